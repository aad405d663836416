// Sums by point of an answer, while its items are read.
import type { Level } from '../core/level.ts';
import type { Period } from './calendar.ts';
import type { CountPlan } from './count-plan.ts';

/** Sums by point. Of what is read from a level, only the instants count that the plan wants of it: each from one level. */
export class PointSums {
  readonly #plan: CountPlan;
  readonly #pieceStartsMs: readonly number[];
  readonly #periodStartsMs: readonly number[];
  /** By the period's place among those of the plan. */
  readonly #sums = new Map<number, bigint>();
  total = 0n;

  constructor(plan: CountPlan) {
    this.#plan = plan;
    this.#pieceStartsMs = plan.pieces.map(({ fromMs }) => fromMs);
    this.#periodStartsMs = plan.periods.map(({ startMs }) => startMs);
  }

  /** The level that answers for an instant; undefined: the plan doesn't have it. */
  levelAt(atMs: number): Level | undefined {
    const { fromMs, toMs, pieces } = this.#plan;
    if (atMs < fromMs || atMs >= toMs) return undefined;
    return pieces[lastAtOrBefore(this.#pieceStartsMs, atMs)]?.level;
  }

  /** Adds what a level has at an instant, if it answers for that. */
  add(level: Level, atMs: number, n: bigint): void {
    if (this.levelAt(atMs) !== level) return;
    this.total += n;
    const index = lastAtOrBefore(this.#periodStartsMs, atMs);
    this.#sums.set(index, (this.#sums.get(index) ?? 0n) + n);
  }

  /** The points by time. @param fillZero whether those of which nothing is known are given as 0 */
  points(fillZero: boolean): readonly (readonly [period: Period, n: bigint])[] {
    const points: [Period, bigint][] = [];
    for (const [index, period] of this.#plan.periods.entries()) {
      const n = this.#sums.get(index) ?? (fillZero ? 0n : undefined);
      if (n !== undefined) points.push([period, n]);
    }
    return points;
  }
}

/** The place of the last of ascending numbers that is not above a value; -1 if all are. */
function lastAtOrBefore(ascending: readonly number[], value: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? Infinity) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
