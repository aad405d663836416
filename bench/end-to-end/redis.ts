// A common fast counter: INCRBY in Redis for each event, on a separate redis-server.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { listen } from '../../local/listening.ts';
import { serveCounter } from './counting-server.ts';
import type { CountingSystem } from './system-process.ts';

/** Its version line, such as "Redis server v=7.0.15"; undefined without a redis-server on PATH. */
export function findRedis(): string | undefined {
  const { error, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return error === undefined ? stdout.split(' sha=')[0] : undefined;
}

/** Starts redis-server with an append-only file, and the server in front of it. One key per counter and minute. */
export async function startRedis(): Promise<CountingSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'tally-bench-redis-'));
  const port = await freePort();
  const args = [
    ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--loglevel', 'warning'],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec'],
  ];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  process.once('exit', () => child.kill('SIGKILL'));
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: () => 50 } });
  // It reconnects by itself; without a listener, the process would end.
  client.on('error', () => {});
  await client.connect();
  const server = await serveCounter(async (events) => {
    const minute = Math.floor(Date.now() / 60_000);
    // Calls in one turn of the event loop are sent as one pipeline.
    await Promise.all(events.map(({ metric, entity }) => client.incrBy(`${metric}#${entity}#${minute}`, 1)));
  });
  return {
    url: server.endpoint,
    counts: async () => {
      const sums = new Map<string, number>();
      for await (const keys of client.scanIterator({ COUNT: 1_000 })) {
        const values = keys.length === 0 ? [] : await client.mGet(keys);
        for (const [index, key] of keys.entries()) {
          const name = key.slice(0, key.lastIndexOf('#'));
          sums.set(name, (sums.get(name) ?? 0) + Number(values[index]));
        }
      }
      return sums;
    },
    otherCpuMs: async () => {
      const info = await client.info();
      const seconds = [...info.matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)].map(([, text]) => Number(text));
      return seconds.reduce((sum, each) => sum + each, 0) * 1_000;
    },
    stop: async () => {
      await server.stop();
      client.destroy();
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const { endpoint, stop } = await listen(createServer());
  await stop();
  return Number(new URL(endpoint).port);
}
