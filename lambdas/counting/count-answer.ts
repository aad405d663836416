// The answer to a question about counts: sums by point, and how far they can be relied on.
import type { CountPlan, Piece } from './count-plan.ts';
import type { CountQuery } from './count-query.ts';
import type { CounterItem } from './counter-item.ts';
import { type Grain, grainStartMs, nextGrainMs } from './grains.ts';
import type { LevelItem } from './levels.ts';
import { HOUR_MS, isoSeconds, MINUTE_MS } from './time.ts';

/** One point of an answer. */
export interface CountPoint {
  /** The start of the minute, hour, day or month, ISO 8601. */
  readonly at: string;
  readonly n: bigint;
  /** `final` when no event can be accepted any more that would change it. */
  readonly state: 'provisional' | 'final';
}

/** The answer to a question. */
export interface CountAnswer {
  readonly metric: string;
  readonly entity: string;
  /** The grain that was asked for, and the one of the points: coarser, where the finer one is not kept any more. */
  readonly by: Grain;
  readonly grain: Grain;
  /** The range of the answer. */
  readonly from: string;
  readonly to: string;
  readonly total: bigint;
  /** Every event that arrived before this time is in the counts, ISO 8601; null as long as nothing can be said. */
  readonly completeThrough: string | null;
  /** Why the answer is not the one asked for. */
  readonly note?: string;
  /** By time; none for `total`. */
  readonly points: readonly CountPoint[];
}

/** Sums by point of an answer, while they are read. */
export class PointSums {
  readonly #plan: CountPlan;
  readonly #nowMs: number;
  readonly #sums = new Map<number, bigint>();
  total = 0n;

  /** @param nowMs the time of asking: items past their expiry count as gone, whether they are deleted yet or not */
  constructor(plan: CountPlan, nowMs: number) {
    this.#plan = plan;
    this.#nowMs = nowMs;
  }

  /** Adds the minutes of a counter item that lie in a piece. */
  addCounter({ bucketStartMs, minutes, expiresAt }: CounterItem, piece: Piece): void {
    if (this.#isGone(expiresAt)) return;
    const hourMs = bucketStartMs - (bucketStartMs % HOUR_MS);
    for (const [minute, n] of minutes) this.#add(hourMs + minute * MINUTE_MS, n, piece);
  }

  /** Adds the sums of a level's item that lie in a piece. */
  addLevel({ sums, expiresAt }: LevelItem, piece: Piece): void {
    if (this.#isGone(expiresAt)) return;
    for (const [atMs, n] of sums) this.#add(atMs, n, piece);
  }

  /** The points by time. @param fillZero whether points of which nothing is known are given as 0 */
  points(fillZero: boolean): [atMs: number, n: bigint][] {
    const { grain, fromMs, toMs } = this.#plan;
    if (fillZero && grain !== 'total') {
      for (let atMs = grainStartMs(grain, fromMs); atMs < toMs; atMs = nextGrainMs(grain, atMs)) {
        if (!this.#sums.has(atMs)) this.#sums.set(atMs, 0n);
      }
    }
    return [...this.#sums].sort(([a], [b]) => a - b);
  }

  #add(atMs: number, n: bigint, { fromMs, toMs }: Piece): void {
    if (atMs < fromMs || atMs >= toMs) return;
    this.total += n;
    const { grain } = this.#plan;
    if (grain === 'total') return;
    const pointMs = grainStartMs(grain, atMs);
    this.#sums.set(pointMs, (this.#sums.get(pointMs) ?? 0n) + n);
  }

  #isGone(expiresAt: number | undefined): boolean {
    return expiresAt !== undefined && expiresAt * 1000 <= this.#nowMs;
  }
}

/** Kinesis' clocks step back a little now and then; a point is final only well past that. */
const CLOCK_MARGIN_MS = MINUTE_MS;

/**
 * The answer to a question.
 * @param acceptPastMs how long before its arrival an event may have happened; undefined: any time, so that no point is final
 */
export function countAnswer(
  { metric, entity, by, fillZero }: CountQuery,
  plan: CountPlan,
  sums: PointSums,
  acceptPastMs: number | undefined,
): CountAnswer {
  const { grain, fromMs, toMs, throughMs, note } = plan;
  const isFinal = (endMs: number) =>
    acceptPastMs !== undefined && endMs + acceptPastMs + CLOCK_MARGIN_MS <= throughMs;
  const points = sums.points(fillZero).map(([atMs, n]): CountPoint => {
    const endMs = grain === 'total' ? toMs : Math.min(toMs, nextGrainMs(grain, atMs));
    return { at: isoSeconds(atMs), n, state: isFinal(endMs) ? 'final' : 'provisional' };
  });
  return {
    metric,
    entity,
    by,
    grain,
    from: isoSeconds(fromMs),
    to: isoSeconds(toMs),
    total: sums.total,
    completeThrough: throughMs === 0 ? null : new Date(throughMs).toISOString(),
    ...(note !== undefined && { note }),
    points,
  };
}
