// A campaign: many seeds on all processors, until enough were run, time is up, or too many failed.
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { addTally, emptyTally, type Tally } from './batch.ts';

/** Options of a campaign. */
export interface CampaignOptions {
  /** The first seed; the others follow it. */
  readonly from: number;
  /** Most histories. */
  readonly runs: number;
  /** Most milliseconds. */
  readonly lengthMs: number;
  readonly workers?: number;
  /** Seeds that may fail before it ends. */
  readonly failuresMax?: number;
  /** Called with progress from time to time. */
  readonly onProgress?: (tally: Tally) => void;
}

/** Maximum seeds that a worker gets at once, and about how often each asks: no worker waits long for the last one. */
const SEEDS_AT_ONCE_MAX = 20;
const ASKS_LEAST = 5;

/** Runs a campaign on worker threads. */
export async function runCampaign(options: CampaignOptions): Promise<Tally> {
  const { from, runs, lengthMs, workers = availableParallelism(), failuresMax = 1, onProgress } = options;
  const tally = emptyTally();
  const endMs = performance.now() + lengthMs;
  let next = from;
  const seedsAtOnce = Math.max(1, Math.min(SEEDS_AT_ONCE_MAX, Math.floor(runs / workers / ASKS_LEAST)));
  const goesOn = () => next < from + runs && performance.now() < endMs && tally.failures.length < failuresMax;
  const work = async () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    try {
      while (goesOn()) {
        const to = Math.min(next + seedsAtOnce, from + runs);
        worker.postMessage([next, to]);
        next = to;
        const [answer]: Tally[] = await once(worker, 'message');
        if (answer !== undefined) addTally(tally, answer);
        onProgress?.(tally);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(workers, runs)) }, work));
  tally.failures.sort((a, b) => a.seed - b.seed);
  return tally;
}
