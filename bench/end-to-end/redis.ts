// A redis-server of the benchmark's own: on a free port of 127.0.0.1, in a folder that its caller deletes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { createClient } from '@redis/client';
import type { Usage } from './counting-system.ts';

/** How Redis keeps its data: `snapshots` is what it does by default, `everysec` what users choose who want to lose less. */
export type Persistence = 'snapshots' | 'everysec';

/** A running redis-server. */
export interface Redis {
  readonly port: number;
  usage(): Promise<Usage>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Path of redis-server, if there is one on PATH. */
export function findRedis(): string | undefined {
  const candidates = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'redis-server'));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Its first words about itself, such as "Redis server v=7.0.15". */
export async function redisVersion(program: string): Promise<string> {
  const child = spawn(program, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return String(text).split(' sha=')[0] ?? '';
}

/** Starts it, and waits until it answers. Snapshots are as its own defaults have them, in both cases. */
export async function startRedis(program: string, folder: string, persistence: Persistence): Promise<Redis> {
  const port = await freePort();
  const log = ['--appendonly', persistence === 'everysec' ? 'yes' : 'no', '--appendfsync', 'everysec'];
  const args = [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--dir',
    folder,
    ...log,
    '--loglevel',
    'warning',
  ];
  const child = spawn(program, args, { stdio: 'ignore' });
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: () => 50 } });
  client.on('error', () => {});
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`redis-server ended with ${code}`);
  });
  failed.catch(() => {});
  try {
    await Promise.race([client.connect(), failed]);
  } catch (error) {
    client.destroy();
    await end(child, 'SIGKILL');
    throw error;
  }
  const close = async (signal: NodeJS.Signals) => {
    client.destroy();
    await end(child, signal);
    process.off('exit', killed);
  };
  return {
    port,
    usage: async () => {
      const info = await client.info();
      const field = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0);
      const cpuMs = (field('used_cpu_user') + field('used_cpu_sys')) * 1_000;
      return { cpuMs, rssBytes: field('used_memory_rss') };
    },
    kill: () => close('SIGKILL'),
    stop: () => close('SIGTERM'),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
