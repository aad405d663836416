// Imports a file, a share of it a week late, then compares every count in every grain.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { openSource } from '../cli/source/source.ts';
import { readTruth, type Truth } from '../cli/verify/truth.ts';
import { linesOf } from '../formats/lines.ts';
import { createClock, type LocalClock } from '../local/clock.ts';
import { type LocalStack, startLocalStack } from '../local/stack.ts';
import { runTally } from './tally.ts';

const METRIC = 'late-drill';
/** What is compared: every count in every grain, and the first entities of every day. */
const COMPARISONS = [
  ...['minute', 'hour', 'day', 'month', 'total'].map((by) => ['--by', by]),
  ['--by', 'day', '--top', '100'],
];
const STEP_MS = 3_600_000;
const WEEK_MS = 7 * 86_400_000;
/** Clock steps within which the levels must catch up; each step is an hour. */
const STEPS_MAX = 100;

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
      clock.forward(WEEK_MS);
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

/** A part of the file, and its number of data lines. */
interface Part {
  readonly file: string;
  readonly lines: number;
}

/** Writes the lines of a file into two: those that arrive in time, and evenly among them those that are late. */
async function divide(
  name: string,
  folder: string,
  latePercent: number,
  header: boolean,
): Promise<readonly Part[]> {
  const source = await openSource(name);
  const parts = ['in-time', 'late'].map((part) => ({ file: join(folder, part), lines: 0 }));
  const streams = parts.map(({ file }) => createWriteStream(file));
  for await (const { bytes, number } of linesOf(source.chunks())) {
    const line = Buffer.concat([bytes, Buffer.from('\n')]);
    const isHeader = header && number === 1;
    const place = Math.floor((number * latePercent) / 100) > Math.floor(((number - 1) * latePercent) / 100);
    for (const index of isHeader ? [0, 1] : [place ? 1 : 0]) {
      const [part, stream] = [parts[index], streams[index]];
      if (part === undefined || stream === undefined) continue;
      if (!isHeader) part.lines += 1;
      if (!stream.write(line)) await once(stream, 'drain');
    }
  }
  for (const stream of streams) await finished(stream.end());
  return parts.filter(({ lines }) => lines > 0);
}

/**
 * Advances time and runs the schedules until days and months have everything that has arrived so far.
 * @returns the arrival time before which they have everything, epoch milliseconds
 */
async function bringLevelsUp(stack: LocalStack, clock: LocalClock, truth: Truth): Promise<number> {
  const arrivedMs = clock.nowMs();
  const [entity = ''] = truth.entities.keys();
  for (let step = 0; step < STEPS_MAX; step += 1) {
    clock.forward(STEP_MS);
    for (const { run: runNow } of stack.scheduled) await runNow(clock.nowMs());
    while ((await stack.status()).inFlight > 0) await pause(100);
    const watermarks = await Promise.all(
      ['day', 'month'].map((by) => completeThroughMs(stack.url, entity, by, truth)),
    );
    const throughMs = Math.min(...watermarks);
    if (throughMs > arrivedMs) return throughMs;
  }
  throw new Error(`days and months did not come within ${(STEPS_MAX * STEP_MS) / 3_600_000} hours`);
}

async function completeThroughMs(url: string, entity: string, by: string, truth: Truth): Promise<number> {
  const range = new URLSearchParams({
    by,
    from: new Date(truth.firstMinute * 1000).toISOString(),
    to: new Date((truth.lastMinute + 60) * 1000).toISOString(),
  });
  const answer = await fetch(`${url}/v1/counts/${METRIC}/${encodeURIComponent(entity)}?${range}`);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`a count was answered with ${answer.status}: ${text}`);
  const { completeThrough } = JSON.parse(text) as { completeThrough: string | null };
  return completeThrough === null ? 0 : Date.parse(completeThrough);
}
