// `npm run kill-drill`: imports a file into a local stack that is killed with SIGKILL again and again, then compares every count.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const USAGE = `npm run kill-drill -- --file FILE --truth TRUTH [--kills 10] [--seed N] [--keep] [-- options of npm run import]

Starts the local stack with a data folder of its own, imports FILE into it, kills the stack with SIGKILL at random moments and
starts it again, waits until everything is counted, and compares every (entity, minute) with TRUTH (npm run verify).
Exit code 0 when all counts are equal.`;

const ROOT = join(import.meta.dirname, '..');
const METRIC = 'drill';
/** Between a start and the next kill. */
const KILL_AFTER_MS = { least: 2_000, most: 12_000 };

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      file: { type: 'string' },
      truth: { type: 'string' },
      kills: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 100_000) },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || values.file === undefined || values.truth === undefined) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const random = generator(Number(values.seed));
  const folder = await mkdtemp(join(tmpdir(), 'tally-kill-drill-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  console.log(`seed ${values.seed}, ${values.kills} kills, data in ${folder}`);
  let stack = await startStack(port, folder);
  const stop = () => stack.kill('SIGKILL');
  process.once('exit', stop);
  try {
    const args = [
      values.file,
      '--url',
      url,
      '--metric',
      METRIC,
      '--state',
      join(folder, 'import'),
      '--wait',
      '--json',
    ];
    const importer = spawn(process.execPath, ['bin/tally.ts', 'import', ...args, ...positionals], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    process.once('exit', () => importer.kill('SIGKILL'));
    const imported = once(importer, 'exit');
    for (let kill = 1; kill <= Number(values.kills); kill += 1) {
      const waitMs = KILL_AFTER_MS.least + random() * (KILL_AFTER_MS.most - KILL_AFTER_MS.least);
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
      ['bin/tally.ts', 'verify', '--truth', values.truth, '--url', url, '--metric', METRIC],
      { cwd: ROOT, stdio: 'inherit' },
    );
    const [code] = await once(verify, 'exit');
    console.log(JSON.stringify(await status(url)));
    return code as number;
  } finally {
    stop();
    if (!values.keep) await rm(folder, { recursive: true, force: true });
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

/** A small seeded generator (mulberry32): numbers from 0 to below 1. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

process.exitCode = await main();
