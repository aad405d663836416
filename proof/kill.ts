// Imports a file into a local stack that is killed with SIGKILL again and again, then compares every count.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Random } from './hostile/random.ts';

const ROOT = join(import.meta.dirname, '..');
/** The command that imports and verifies. */
const TALLY = 'bin/tally.ts';
const METRIC = 'drill';
/** Between a start and the next kill. */
const KILL_AFTER_MS = { least: 2_000, most: 12_000 };

/** What is played. */
export interface KillOptions {
  readonly file: string;
  readonly truth: string;
  readonly kills: number;
  readonly seed?: number;
  readonly keep?: boolean;
}

/** Plays it. @param importing more options of the import @returns 0 when all counts are equal */
export async function playKills(
  { file, truth, kills, seed = randomInt(100_000), keep = false }: KillOptions,
  importing: readonly string[],
): Promise<number> {
  const random = new Random(seed);
  const folder = await mkdtemp(join(tmpdir(), 'tally-kill-drill-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  console.log(`seed ${seed}, ${kills} kills, data in ${folder}`);
  let stack = await startStack(port, folder);
  const stop = () => stack.kill('SIGKILL');
  process.once('exit', stop);
  try {
    const args = [
      file,
      '--url',
      url,
      '--metric',
      METRIC,
      '--state',
      join(folder, 'import'),
      '--wait',
      '--json',
    ];
    const importer = spawn(process.execPath, [TALLY, 'import', ...args, ...importing], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    process.once('exit', () => importer.kill('SIGKILL'));
    const imported = once(importer, 'exit');
    for (let kill = 1; kill <= kills; kill += 1) {
      const waitMs = KILL_AFTER_MS.least + random.next() * (KILL_AFTER_MS.most - KILL_AFTER_MS.least);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      const { received, counted } = await status(url);
      stack.kill('SIGKILL');
      await once(stack, 'exit');
      const phase = importer.exitCode === null ? 'importing' : 'import over';
      console.log(
        `kill ${kill} after ${Math.round(waitMs)} ms (${phase}): received ${received}, counted ${counted}`,
      );
      stack = await startStack(port, folder);
    }
    await imported;
    if (importer.exitCode !== 0) throw new Error(`the import ended with exit code ${importer.exitCode}`);
    const verify = spawn(
      process.execPath,
      [TALLY, 'verify', '--truth', truth, '--url', url, '--metric', METRIC],
      { cwd: ROOT, stdio: 'inherit' },
    );
    const [code] = await once(verify, 'exit');
    console.log(JSON.stringify(await status(url)));
    return code as number;
  } finally {
    stop();
    if (!keep) await rm(folder, { recursive: true, force: true });
  }
}

/** Starts the stack and waits until it says that it is ready. */
async function startStack(port: number, folder: string): Promise<ChildProcess> {
  const args = ['local/main.ts', '--port', String(port), '--data', join(folder, 'data')];
  const stack = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: stack.stdout });
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line.startsWith('Tally is ready')) resolve();
    });
  });
  const ended = once(stack, 'exit').then(([code]) => {
    throw new Error(`the stack ended with ${code} before it was ready`);
  });
  ended.catch(() => {});
  await Promise.race([ready, ended]);
  return stack;
}

async function status(url: string): Promise<Record<string, number>> {
  const answer = await fetch(`${url}/v1/status?hours=0`);
  const { hours: _, shards: __, ...sums } = (await answer.json()) as Record<string, number>;
  return sums;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
