// An upper bound of what may be stored now: everything that has arrived, and no more.
import type { Row } from '../../lambdas/core/rows.ts';
import { MinuteSums } from './sums.ts';
import { type Arrived, counterName, label, minuteOf } from './truth.ts';
import { iso, Violation } from './violation.ts';

/** Grows with every arrival; stored rows are compared with it. */
export class Ceiling {
  readonly #windowMs: number;
  readonly #up = new MinuteSums();
  readonly #down = new MinuteSums();
  readonly #stored = new MinuteSums();
  readonly #latestMs = new Map<string, number>();

  /** @param windowMs the least dedup window in force */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  arrived({ occurrence, arrivalMs }: Arrived): void {
    const { id, rejected, metric, entity, atMs, n } = occurrence;
    if (rejected !== undefined) return;
    if (id !== undefined) {
      // Twins that say otherwise may each be the one that counts: the other may be too old, or lost.
      const twin = `${id} ${atMs} ${n}`;
      const latestMs = this.#latestMs.get(twin);
      this.#latestMs.set(twin, Math.max(latestMs ?? 0, arrivalMs));
      if (latestMs !== undefined && arrivalMs - latestMs <= this.#windowMs) {
        // If its first record is lost, an event without a time counts in a later minute.
        if (atMs === undefined) this.#raise(counterName(metric, entity), arrivalMs, n);
        return;
      }
    }
    this.#raise(counterName(metric, entity), atMs ?? arrivalMs, n);
  }

  /** Adds the rows of a delta that was stored. */
  stored(rows: readonly Row[]): void {
    for (const { name, minuteMs, sum } of this.#stored.addRows(rows)) {
      const [most, least] = [this.#up.of(name, minuteMs), this.#down.of(name, minuteMs)];
      if (sum <= most && sum >= least) continue;
      throw new Violation(
        'nothing counts twice',
        `${label(name)} has ${sum} at ${iso(minuteMs)}, and only ${least} to ${most} has arrived`,
      );
    }
  }

  #raise(name: string, atMs: number, n: number): void {
    (n > 0 ? this.#up : this.#down).add(name, minuteOf(atMs), n);
  }
}
