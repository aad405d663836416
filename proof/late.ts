// Imports a file, a share of it a week late, then compares every count in every grain.
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { openSource } from '../cli/source/source.ts';
import { readTruth, type Truth } from '../cli/verify/truth.ts';
import { linesOf } from '../formats/lines.ts';
import { DAY_MS, HOUR_MS } from '../lambdas/core/time.ts';
import { createClock, type LocalClock } from '../local/clock.ts';
import { type LocalStack, startLocalStack } from '../local/stack.ts';
import { readCounts, runTally } from './tally.ts';

const METRIC = 'late-drill';
/** What is compared: every count in every grain, and the first entities of every day. */
const COMPARISONS = [
  ...['minute', 'hour', 'day', 'month', 'total'].map((by) => ['--by', by]),
  ['--by', 'day', '--top', '100'],
];
const LINE_FEED = Buffer.from('\n');
/** Hours within which the levels must catch up. */
const HOURS_MAX = 100;

/** Options. */
export interface LateOptions {
  readonly file: string;
  readonly truth: string;
  readonly latePercent: number;
  readonly header?: boolean;
}

/** Runs the test. @param more options of the import @returns 0 when all counts are equal */
export async function playLate(
  { file: name, truth: truthName, latePercent, header = false }: LateOptions,
  more: readonly string[],
): Promise<number> {
  const truth = await readTruth(truthName, 'views');
  const folder = await mkdtemp(join(tmpdir(), 'tally-late-drill-'));
  const clock = createClock();
  let stack: LocalStack | undefined;
  try {
    const parts = await divide(name, folder, latePercent, header);
    stack = await startLocalStack({
      clock,
      schedules: false,
      onProblem: (message) => process.stderr.write(`${message}\n`),
    });
    const importing = ['--metric', METRIC, '--state', join(folder, 'import'), '--wait', ...more];
    if (header) importing.push('--header');
    for (const { file, lines } of parts) {
      console.log(`${new Date(clock.nowMs()).toISOString()}  ${lines} lines arrive`);
      const code = await runTally('import', [file, '--url', stack.url, ...importing]);
      if (code !== 0) throw new Error(`The import ended with exit code ${code}.`);
      const throughMs = await bringLevelsUp(stack, clock, truth);
      console.log(`levels hold everything that arrived before ${new Date(throughMs).toISOString()}`);
      clock.forward(7 * DAY_MS);
    }
    let differing = 0;
    for (const comparison of COMPARISONS) {
      const args = ['--truth', truthName, '--url', stack.url, '--metric', METRIC, ...comparison];
      if ((await runTally('verify', args)) !== 0) differing += 1;
    }
    return differing === 0 ? 0 : 1;
  } finally {
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Writes the lines of a file into two: those that arrive in time, and evenly among them those that are late.
 * @returns the files, with their numbers of data lines; without one that has none
 */
async function divide(name: string, folder: string, latePercent: number, header: boolean) {
  const source = await openSource(name);
  const lateUpTo = (number: number) => Math.floor((number * latePercent) / 100);
  const parts = ['in-time', 'late'].map((part) => ({ file: join(folder, part), lines: 0 }));
  for (const [index, part] of parts.entries()) {
    await pipeline(async function* () {
      for await (const { bytes, number } of linesOf(source.chunks())) {
        const isHeader = header && number === 1;
        const isLate = lateUpTo(number) > lateUpTo(number - 1);
        if (!isHeader && isLate !== (index === 1)) continue;
        if (!isHeader) part.lines += 1;
        yield Buffer.concat([bytes, LINE_FEED]);
      }
    }, createWriteStream(part.file));
  }
  return parts.filter(({ lines }) => lines > 0);
}

/**
 * Advances time and runs the schedules until days and months have everything that has arrived so far.
 * @returns the arrival time before which they have everything, epoch milliseconds
 */
async function bringLevelsUp(stack: LocalStack, clock: LocalClock, truth: Truth): Promise<number> {
  const arrivedMs = clock.nowMs();
  const [entity = ''] = truth.entities.keys();
  const range = { from: String(truth.firstMinute * 1000), to: String((truth.lastMinute + 60) * 1000) };
  const completeThroughMs = async (by: string) => {
    const { completeThrough } = await readCounts(stack.url, METRIC, entity, { by, ...range });
    return completeThrough === null ? 0 : Date.parse(completeThrough);
  };
  for (let hour = 0; hour < HOURS_MAX; hour += 1) {
    clock.forward(HOUR_MS);
    for (const { run: runNow } of stack.scheduled) await runNow(clock.nowMs());
    while ((await stack.status()).inFlight > 0) await pause(100);
    const throughMs = Math.min(await completeThroughMs('day'), await completeThroughMs('month'));
    if (throughMs > arrivedMs) return throughMs;
  }
  throw new Error(`days and months did not come within ${HOURS_MAX} hours`);
}
