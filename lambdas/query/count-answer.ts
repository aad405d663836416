// The answer to a question about counts: points, and how far they can be relied on.

import { isoSeconds, MINUTE_MS } from '../core/time.ts';
import { type Grain, instantsIn } from './calendar.ts';
import type { CountPlan } from './count-plan.ts';
import { type CountQuery, hasZone } from './count-query.ts';
import { pageToken } from './page-token.ts';
import type { PointSums } from './point-sums.ts';

/** One point of an answer. */
export interface CountPoint {
  /** The start of the minute, hour, day, week or month, ISO 8601. */
  readonly at: string;
  readonly n: bigint;
  /** `final` when no event can be accepted any more that would change it. */
  readonly state: 'provisional' | 'final';
  /** Of cumulative answers: this and all before, from the start of the first page. */
  readonly sum?: bigint;
}

/** How much there was in a stretch of time. */
export interface CountsOfStretch {
  /** The grain of the points: the one asked for, or a coarser one where that is not kept any more. */
  readonly grain: Grain;
  /** Whose hours, days, weeks and months they are. */
  readonly tz: string;
  readonly from: string;
  readonly to: string;
  readonly total: bigint;
  /**
   * Every event that arrived before this time is in the counts, ISO 8601; null as long as nothing can be said. Of a stretch
   * that is final it is the time since when nothing can have changed: the answer stays the same from then on.
   */
  readonly completeThrough: string | null;
  /** Why the answer is not the one asked for. */
  readonly note?: string;
  /** By time; none for `total`. */
  readonly points: readonly CountPoint[];
}

/** The answer to a question. */
export interface CountAnswer extends CountsOfStretch {
  readonly metric: string;
  readonly entity: string;
  /** The grain that was asked for. */
  readonly by: Grain;
  /** The stretch before, where it was asked for. */
  readonly previous?: CountsOfStretch;
  /** What to ask with for the next page; this answer is about its own `from` to `to`. */
  readonly next?: string;
}

/** Kinesis' clocks step back a little now and then; a point is final only well past that. */
const CLOCK_MARGIN_MS = MINUTE_MS;

/** The arrival time from which on no event is accepted that happened before an end; undefined: there is none. */
export function finalFromMs(endMs: number, acceptPastMs: number | undefined): number | undefined {
  return acceptPastMs === undefined ? undefined : endMs + acceptPastMs + CLOCK_MARGIN_MS;
}

/** Whether no event can be accepted any more that would change what a plan reads. */
export function isFinal(
  { toMs, throughMs }: Pick<CountPlan, 'toMs' | 'throughMs'>,
  acceptPastMs: number | undefined,
): boolean {
  return (finalFromMs(toMs, acceptPastMs) ?? Infinity) <= throughMs;
}

/** The answer to a question, but for the stretch before. @param acceptPastMs how old an event may arrive; undefined: any age */
export function countAnswer(
  query: CountQuery,
  plan: CountPlan,
  sums: PointSums,
  acceptPastMs: number | undefined,
): CountAnswer {
  const { metric, entity, by } = query;
  const next = nextToken(query, plan, sums.total);
  return {
    metric,
    entity,
    by,
    ...countsOfStretch(query, plan, sums, acceptPastMs),
    ...(next !== undefined && { next }),
  };
}

/** The counts of a plan's stretch. */
export function countsOfStretch(
  { fillZero, cumulative, page }: CountQuery,
  plan: CountPlan,
  sums: PointSums,
  acceptPastMs: number | undefined,
): CountsOfStretch {
  const { grain, zone, toMs, throughMs, note } = plan;
  const iso = instantsIn(zone);
  let sum = page?.sum ?? 0n;
  const points = grain === 'total' ? [] : sums.points(fillZero);
  const knownMs = isFinal(plan, acceptPastMs) ? (finalFromMs(toMs, acceptPastMs) ?? 0) : throughMs;
  return {
    grain,
    tz: zone,
    from: iso(plan.fromMs),
    to: iso(toMs),
    total: sums.total,
    completeThrough: knownMs === 0 ? null : new Date(knownMs).toISOString(),
    ...(note !== undefined && { note }),
    points: points.map(([{ startMs, endMs }, n]): CountPoint => {
      sum += n;
      const state = isFinal({ toMs: Math.min(toMs, endMs), throughMs }, acceptPastMs)
        ? 'final'
        : 'provisional';
      return { at: iso(startMs), n, state, ...(cumulative && { sum }) };
    }),
  };
}

/** A token of what is left of the question. */
function nextToken(query: CountQuery, { nextMs, grain, zone }: CountPlan, total: bigint): string | undefined {
  if (nextMs === undefined) return undefined;
  const { metric, entity, by, toMs, fillZero, cumulative, limit, page } = query;
  const parameters = {
    ...{ from: isoSeconds(nextMs), to: isoSeconds(toMs), by, limit: String(limit) },
    ...(hasZone(by) && { tz: query.zone }),
    ...(fillZero && { fill: 'zero' }),
    ...(cumulative && { cumulative: 'true' }),
  };
  return pageToken(metric, entity, { parameters, page: { grain, zone, sum: (page?.sum ?? 0n) + total } });
}
