// How fast `tally follow` keeps up on one core, and with how much memory, also while Tally is down.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const TALLY = join(import.meta.dirname, '..', 'bin', 'tally.ts');
/** The kernel counts processor time in hundredths of a second. */
const TICKS = 100;
/** How long Tally is down: much longer than filling the buffer takes. */
const AWAY_MS = 20_000;

export interface Followed {
  /** Of processor time, user and system. */
  readonly seconds: number;
  readonly megabytes: number;
  /** Events that were delivered. */
  readonly events: number;
}

/**
 * Follows a file into a front door that accepts everything, or that breaks every connection.
 * @param events number of events in the file
 */
export async function follow(file: string, events: number, folder: string, away: boolean): Promise<Followed> {
  let taken = 0;
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    if (request.method === 'POST' && away) return void request.socket.destroy();
    if (request.method === 'POST')
      taken += (JSON.parse(Buffer.concat(parts).toString()) as { events: unknown[] }).events.length;
    response.writeHead(request.method === 'POST' ? 202 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ accepted: 1, received: 0 }));
    if (taken >= events) finish();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const state = join(folder, away ? 'away' : 'there');
  const child = spawn(process.execPath, [TALLY, 'follow', file, '--url', url, '--state', state], {
    stdio: 'ignore',
  });
  try {
    await (away ? delay(AWAY_MS) : finished);
    return { ...(await usageOf(child)), events: taken };
  } finally {
    child.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
  }
}

async function usageOf({ pid }: ChildProcess): Promise<Omit<Followed, 'events'>> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number);
  return {
    seconds: ((user ?? 0) + (system ?? 0)) / TICKS,
    megabytes: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024,
  };
}
