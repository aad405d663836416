// Sums by point of an answer, while its items are read.
import type { Period } from './calendar.ts';
import type { CountPlan, Source } from './count-plan.ts';
import type { CounterItem } from './counter-item.ts';
import type { Level, LevelItem } from './levels.ts';
import { HOUR_MS, MINUTE_MS } from './time.ts';

/** Sums by point. Of what items say, only what the plan wants of their source counts: each instant from one place. */
export class PointSums {
  readonly #plan: CountPlan;
  readonly #nowMs: number;
  readonly #pieceStartsMs: readonly number[];
  readonly #periodStartsMs: readonly number[];
  /** By the period's place among those of the plan. */
  readonly #sums = new Map<number, bigint>();
  total = 0n;

  /** @param nowMs the time of asking: items past their expiry count as gone, whether they are deleted yet or not */
  constructor(plan: CountPlan, nowMs: number) {
    this.#plan = plan;
    this.#nowMs = nowMs;
    this.#pieceStartsMs = plan.pieces.map(({ fromMs }) => fromMs);
    this.#periodStartsMs = plan.periods.map(({ startMs }) => startMs);
  }

  /** Adds the minutes of a counter item. */
  addCounter({ bucketStartMs, minutes, expiresAt }: CounterItem): void {
    if (this.#isGone(expiresAt)) return;
    const hourMs = bucketStartMs - (bucketStartMs % HOUR_MS);
    for (const [minute, n] of minutes) this.#add('counters', hourMs + minute * MINUTE_MS, n);
  }

  /** Adds the sums of an item of a level. */
  addLevel(level: Level, { sums, expiresAt }: LevelItem): void {
    if (this.#isGone(expiresAt)) return;
    for (const [atMs, n] of sums) this.#add(level, atMs, n);
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

  #add(source: Source, atMs: number, n: bigint): void {
    const { fromMs, toMs, pieces } = this.#plan;
    if (atMs < fromMs || atMs >= toMs) return;
    if (pieces[lastAtOrBefore(this.#pieceStartsMs, atMs)]?.source !== source) return;
    this.total += n;
    const index = lastAtOrBefore(this.#periodStartsMs, atMs);
    this.#sums.set(index, (this.#sums.get(index) ?? 0n) + n);
  }

  #isGone(expiresAt: number | undefined): boolean {
    return expiresAt !== undefined && expiresAt * 1000 <= this.#nowMs;
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
