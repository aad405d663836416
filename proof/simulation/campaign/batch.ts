// Runs a range of seeds one after the other, and adds up what happened.
import type { PromiseName } from '../../oracle/violation.ts';
import { planHistory } from '../plan/history-plan.ts';
import { runHistory } from '../run-history.ts';

/** A seed that broke a promise, or that the simulation itself could not run. */
export interface Failure {
  readonly seed: number;
  readonly promise: PromiseName | undefined;
  readonly message: string;
}

/** The results of some histories. */
export interface Tally {
  histories: number;
  steps: number;
  events: number;
  readonly struck: Map<string, number>;
  /** How often each limit was crossed. */
  readonly crossed: Map<string, number>;
  readonly failures: Failure[];
}

/** No results yet. */
export function emptyTally(): Tally {
  return { histories: 0, steps: 0, events: 0, struck: new Map(), crossed: new Map(), failures: [] };
}

/** Adds a tally to another. */
export function addTally(sum: Tally, tally: Tally): void {
  sum.histories += tally.histories;
  sum.steps += tally.steps;
  sum.events += tally.events;
  addTimes(sum.struck, tally.struck);
  addTimes(sum.crossed, tally.crossed);
  sum.failures.push(...tally.failures);
}

function addTimes(sum: Map<string, number>, times: ReadonlyMap<string, number>): void {
  for (const [kind, count] of times) sum.set(kind, (sum.get(kind) ?? 0) + count);
}

/** Runs the seeds `from` to below `to`. */
export async function runSeeds(from: number, to: number): Promise<Tally> {
  const tally = emptyTally();
  for (let seed = from; seed < to; seed += 1) {
    tally.histories += 1;
    try {
      const { violation, steps, events, struck, crossed } = await runHistory(planHistory(seed));
      tally.steps += steps;
      tally.events += events;
      addTimes(tally.struck, struck);
      addTimes(tally.crossed, crossed);
      if (violation !== undefined)
        tally.failures.push({ seed, promise: violation.promise, message: violation.message });
    } catch (error) {
      const message =
        error instanceof Error
          ? String((error.cause as Error | undefined)?.stack ?? error.stack)
          : String(error);
      tally.failures.push({ seed, promise: undefined, message });
    }
  }
  return tally;
}
