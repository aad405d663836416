// How fast `tally follow` keeps up on one core, and with how much memory, also while Tally is down.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { listen } from '../local/listening.ts';

const TALLY = join(import.meta.dirname, '..', 'bin', 'tally.ts');
/** The kernel counts processor time in hundredths of a second. */
const TICKS = 100;
/** How long Tally is down: much longer than filling the buffer takes. */
const AWAY_MS = 20_000;

/**
 * Follows a file into a front door that accepts everything, or that breaks every connection.
 * @param events number of events in the file
 * @returns processor seconds, megabytes, and how many events were delivered
 */
export async function follow(file: string, events: number, folder: string, tally: 'there' | 'away') {
  let taken = 0;
  const finished = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    const posted = request.method === 'POST';
    const body = await text(request);
    if (posted && tally === 'away') return void request.socket.destroy();
    if (posted) taken += (JSON.parse(body) as { events: unknown[] }).events.length;
    response.writeHead(posted ? 202 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ accepted: 1, received: 0 }));
    if (taken >= events) finished.resolve();
  });
  const { endpoint, stop } = await listen(server);
  const args = ['follow', file, '--url', endpoint, '--state', join(folder, tally)];
  const child = spawn(process.execPath, [TALLY, ...args], { stdio: 'ignore' });
  try {
    await (tally === 'away' ? delay(AWAY_MS) : finished.promise);
    return { ...(await usageOf(child)), events: taken };
  } finally {
    child.kill('SIGKILL');
    await stop();
  }
}

async function usageOf({ pid }: ChildProcess) {
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
