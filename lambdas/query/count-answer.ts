// The answer to a count query: its points, and how complete they are.
import { isoSeconds, MINUTE_MS } from '../core/time.ts';
import { type Grain, instantsIn } from './calendar.ts';
import { type CountQuery, hasZone } from './count-query.ts';
import { pageToken } from './page-token.ts';
import type { PointSums } from './point-sums.ts';

export interface CountPoint {
  /** The start of the minute, hour, day, week or month, ISO 8601. */
  readonly at: string;
  readonly n: bigint;
  /** `final` when no event that would change it can be accepted any more. */
  readonly state: 'provisional' | 'final';
  /** In cumulative answers: the sum from the start of the first page through this point. */
  readonly sum?: bigint;
}

/** The counts of a time range. */
export interface CountsOfStretch {
  /** The grain of the points: the requested one, or a coarser one where that is no longer retained. */
  readonly grain: Grain;
  /** The time zone of the hours, days, weeks and months. */
  readonly tz: string;
  readonly from: string;
  readonly to: string;
  readonly total: bigint;
  /**
   * Every event that arrived before this time is counted, ISO 8601; null while unknown. In a final range its end: any later
   * time would move with the watermark, and a final answer stays the same.
   */
  readonly completeThrough: string | null;
  /** Why the answer differs from the request. */
  readonly note?: string;
  /** In time order; none for `total`. */
  readonly points: readonly CountPoint[];
}

export interface CountAnswer extends CountsOfStretch {
  readonly metric: string;
  readonly entity: string;
  /** The requested grain. */
  readonly by: Grain;
  /** The preceding range, if requested. */
  readonly previous?: CountsOfStretch;
  /** The token of the next page; this answer covers its own `from` to `to`. */
  readonly next?: string;
}

/** Kinesis' clocks occasionally step back a little; a point is final only well past that. */
const CLOCK_MARGIN_MS = MINUTE_MS;

/**
 * Whether no event can change the counts before a time any more.
 * @param settledMs events that happened before this are accepted no more, and counted; 0: there is no such time
 */
export function isFinal(toMs: number, settledMs: number): boolean {
  return toMs + CLOCK_MARGIN_MS <= settledMs;
}

/**
 * The answer to a query.
 * @param sums of its range, and of the preceding range if requested
 * @param settledMs as in `isFinal`
 */
export function countAnswer(
  query: CountQuery,
  [sums, before]: readonly [PointSums, ...PointSums[]],
  settledMs: number,
): CountAnswer {
  const { metric, entity, by } = query;
  const next = nextToken(query, sums);
  return {
    metric,
    entity,
    by,
    ...countsOfStretch(query, sums, settledMs),
    ...(next !== undefined && { next }),
    ...(before !== undefined && { previous: countsOfStretch(query, before, settledMs) }),
  };
}

function countsOfStretch(
  { fillZero, cumulative, page }: CountQuery,
  sums: PointSums,
  settledMs: number,
): CountsOfStretch {
  const { plan } = sums;
  const { grain, zone, toMs, throughMs, note } = plan;
  const iso = instantsIn(zone);
  let sum = page?.sum ?? 0n;
  const points = grain === 'total' ? [] : sums.points(fillZero);
  const knownMs = isFinal(toMs, settledMs) ? toMs : throughMs;
  return {
    grain,
    tz: zone,
    from: iso(plan.fromMs),
    to: iso(toMs),
    total: sums.total,
    completeThrough: knownMs === 0 ? null : new Date(knownMs).toISOString(),
    ...(note !== undefined && { note }),
    points: points.map(([period, n]): CountPoint => {
      sum += n;
      const isOver = isFinal(Math.min(toMs, period.toMs), settledMs);
      const state = isOver ? 'final' : 'provisional';
      return { at: iso(period.fromMs), n, state, ...(cumulative && { sum }) };
    }),
  };
}

function nextToken(query: CountQuery, { plan, total }: PointSums): string | undefined {
  const { nextMs, grain, zone } = plan;
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
