// Adds up an answer's points while its items are read.
import type { Level } from '../core/level.ts';
import type { Stretch } from './calendar.ts';
import type { CountPlan } from './count-plan.ts';

/** Sums by point. Counts each instant only from the level that the plan assigns to it. */
export class PointSums {
  readonly plan: CountPlan;
  readonly #pieceStartsMs: readonly number[];
  readonly #periodStartsMs: readonly number[];
  /** By the period's index in the plan. */
  readonly #sums = new Map<number, bigint>();
  total = 0n;

  constructor(plan: CountPlan) {
    this.plan = plan;
    this.#pieceStartsMs = plan.pieces.map(({ fromMs }) => fromMs);
    this.#periodStartsMs = plan.periods.map(({ fromMs }) => fromMs);
  }

  /** The level that answers for an instant; undefined: the plan does not include it. */
  levelAt(atMs: number): Level | undefined {
    const { fromMs, toMs, pieces } = this.plan;
    if (atMs < fromMs || atMs >= toMs) return undefined;
    return pieces[lastAtOrBefore(this.#pieceStartsMs, atMs)]?.level;
  }

  /** Adds a level's sum at an instant, if that level answers for it. */
  add(level: Level, atMs: number, n: bigint): void {
    if (this.levelAt(atMs) !== level) return;
    this.total += n;
    const index = lastAtOrBefore(this.#periodStartsMs, atMs);
    this.#sums.set(index, (this.#sums.get(index) ?? 0n) + n);
  }

  /** The points in time order. @param fillZero whether to include points without events as 0 */
  points(fillZero: boolean): readonly (readonly [period: Stretch, n: bigint])[] {
    const points: [Stretch, bigint][] = [];
    for (const [index, period] of this.plan.periods.entries()) {
      const n = this.#sums.get(index) ?? (fillZero ? 0n : undefined);
      if (n !== undefined) points.push([period, n]);
    }
    return points;
  }
}

/** The index of the last of ascending numbers that is at most `value`; -1 if there is none. */
function lastAtOrBefore(ascending: readonly number[], value: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? Infinity) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
