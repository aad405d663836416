// Imports a file into a local stack that is killed with SIGKILL again and again, then compares every count.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { readStatus } from '../local/status.ts';
import { Random } from './simulation/random.ts';
import { ROOT, runTally } from './tally.ts';

const METRIC = 'drill';
/** Time between a start and the next kill. */
const KILL_AFTER_MS = { least: 2_000, most: 12_000 };

/** Options. */
export interface KillOptions {
  readonly file: string;
  readonly truth: string;
  readonly kills: number;
  readonly seed?: number;
  readonly keep?: boolean;
}

/** Runs the test. @param importing more options of the import @returns 0 when all counts are equal */
export async function playKills(
  { file, truth, kills, seed = randomInt(100_000), keep = false }: KillOptions,
  importing: readonly string[],
): Promise<number> {
  const random = new Random(String(seed));
  const folder = await mkdtemp(join(tmpdir(), 'tally-kill-drill-'));
  console.log(`seed ${seed}, ${kills} kills, data in ${folder}`);
  let { stack, url } = await startStack('0', folder);
  const stop = () => stack.kill('SIGKILL');
  process.once('exit', stop);
  try {
    const service = ['--url', url, '--metric', METRIC];
    const state = ['--state', join(folder, 'import'), '--wait', '--json'];
    let phase = 'importing';
    const imported = runTally('import', [file, ...service, ...state, ...importing]).finally(() => {
      phase = 'import over';
    });
    for (let kill = 1; kill <= kills; kill += 1) {
      const waitMs = random.between(KILL_AFTER_MS.least, KILL_AFTER_MS.most);
      await delay(waitMs);
      const { received, counted } = await readStatus(url);
      stack.kill('SIGKILL');
      await once(stack, 'exit');
      console.log(`kill ${kill} after ${waitMs} ms (${phase}): received ${received}, counted ${counted}`);
      ({ stack } = await startStack(new URL(url).port, folder));
    }
    const importCode = await imported;
    if (importCode !== 0) throw new Error(`The import ended with exit code ${importCode}.`);
    const code = await runTally('verify', ['--truth', truth, ...service]);
    console.log(JSON.stringify(await readStatus(url)));
    return code;
  } finally {
    stop();
    if (!keep) await rm(folder, { recursive: true, force: true });
  }
}

/** Starts the stack and waits until it prints its address. */
async function startStack(port: string, folder: string): Promise<{ stack: ChildProcess; url: string }> {
  const args = ['local/main.ts', '--port', port, '--data', join(folder, 'data')];
  const stack = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: stack.stdout })) {
    const [, url] = /^Tally is ready: (.*)$/.exec(line) ?? [];
    if (url === undefined) continue;
    // Later output is read and ignored.
    stack.stdout.resume();
    return { stack, url };
  }
  throw new Error('The stack ended before it was ready.');
}
