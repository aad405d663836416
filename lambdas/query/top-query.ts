// Top list queries: parsing a request, and answering it from a list and the watermark.
import { goneAtMs, type Level, type Period, periodAt, periodEndMs } from '../core/level.ts';
import { isoSeconds, MINUTE_MS } from '../core/time.ts';
import { TOP_MAX, type TopEntry } from '../core/top.ts';
import type { Freshness } from '../ports.ts';
import { UTC } from './calendar.ts';
import { isFinal } from './count-answer.ts';
import { finalFreshness, OPEN_FRESHNESS } from './count-freshness.ts';
import { InvalidQuery } from './invalid-query.ts';
import type { Kept } from './kept-grain.ts';
import { instantIn, oneOf, type Parameters, wholeNumber } from './parameters.ts';

/** The lengths of periods that have lists. */
export const TOP_GRAINS = ['hour', 'day', 'month', 'total'] as const;
export type TopGrain = (typeof TOP_GRAINS)[number];

const LEVEL_OF: Readonly<Record<TopGrain, Level>> = {
  hour: 'hours',
  day: 'days',
  month: 'months',
  total: 'all',
};

/** A query: the first `k` entities of a metric in an hour, a day, a month or all time. */
export interface TopQuery {
  readonly metric: string;
  readonly by: TopGrain;
  readonly period: Period;
  /** Whether the request names the period; by default, it is the current one. */
  readonly isNamed: boolean;
  readonly k: number;
}

const PARAMETERS: ReadonlySet<string> = new Set(['by', 'at', 'k']);

/**
 * Parses a query.
 * @param parameters the query string's parameters: `by` (default `day`), `at` as ISO 8601, epoch milliseconds or a date, any instant
 *   of the period (default: now), and `k` (default 10)
 * @throws InvalidQuery naming the wrong parameter
 */
export function parseTopQuery(metric: string, parameters: Parameters, nowMs: number): TopQuery {
  for (const name of Object.keys(parameters)) {
    if (!PARAMETERS.has(name)) {
      throw new InvalidQuery(`there is no parameter "${name}": use by, at and k`);
    }
  }
  const { at } = parameters;
  const by = oneOf('by', parameters['by'] ?? 'day', TOP_GRAINS);
  const k = wholeNumber('k', parameters['k'] ?? '10', 1, TOP_MAX);
  const atMs = at === undefined ? undefined : instantIn('at', at, UTC);
  if (atMs !== undefined && by === 'total') throw new InvalidQuery('"at" needs by=hour, day or month');
  const period = periodAt(LEVEL_OF[by], atMs ?? nowMs);
  if (period.startMs > nowMs) {
    throw new InvalidQuery(`"at" (${isoSeconds(period.startMs)}) is in a ${by} that has not begun`);
  }
  return { metric, by, period, isNamed: atMs !== undefined, k };
}

export interface TopAnswer {
  readonly metric: string;
  readonly by: TopGrain;
  /** The period: `from` included, `to` not, ISO 8601. All time ends at the minute of the request. */
  readonly from: string;
  readonly to: string;
  /**
   * Every event that arrived before this time is counted, ISO 8601; null while unknown. In a final answer the period's end, so
   * that the answer stays the same.
   */
  readonly completeThrough: string | null;
  /** `final` when no event that would change the answer can be accepted any more. */
  readonly state: 'provisional' | 'final';
  /** Why the answer is incomplete. */
  readonly note?: string;
  /** By count descending, then by entity ascending (code units). Fewer than requested if there are no more. */
  readonly entries: readonly TopEntry[];
}

/** What an answer depends on besides the list. Times are milliseconds. */
export interface TopAnswerSettings extends Kept {
  /** Events that happened before this are accepted no more, and in the list; 0: there is no such time. */
  readonly settledMs: number;
}

/**
 * Builds the answer to a query.
 * @param entries of the list
 * @param throughMs the arrival time before which the list is complete, epoch milliseconds; read before the list
 */
export function topAnswer(
  { metric, by, period, k }: TopQuery,
  entries: readonly TopEntry[],
  throughMs: number,
  { settledMs, retentions, nowMs }: TopAnswerSettings,
): TopAnswer {
  const endMs = periodEndMs(period);
  const isGone = goneAtMs(period, retentions) <= nowMs;
  const isDone = !isGone && isFinal(endMs, settledMs);
  const knownMs = isDone ? endMs : throughMs;
  const note = isGone ? `no list of this ${by} is kept any more` : openNote(by, endMs, throughMs, nowMs);
  return {
    metric,
    by,
    from: isoSeconds(period.startMs),
    to: isoSeconds(endMs === Infinity ? Math.ceil((nowMs + 1) / MINUTE_MS) * MINUTE_MS : endMs),
    completeThrough: knownMs === 0 ? null : new Date(knownMs).toISOString(),
    state: isDone ? 'final' : 'provisional',
    ...(note !== undefined && { note }),
    entries: isGone ? [] : entries.slice(0, k),
  };
}

function openNote(by: TopGrain, endMs: number, throughMs: number, nowMs: number): string | undefined {
  if (endMs > nowMs)
    return by === 'total'
      ? 'all time goes on: this is the order as of completeThrough'
      : `the ${by} is still open: this is the order as of completeThrough`;
  return endMs > throughMs ? `the ${by} is over, but not all of it is in the list yet` : undefined;
}

/** How long an answer may be reused: until its list expires if it is final, otherwise for seconds. */
export function topFreshness(
  { period, isNamed }: TopQuery,
  { state }: TopAnswer,
  { retentions, nowMs }: Kept,
): Freshness {
  // Without a time, the next request is about another period.
  if (!isNamed || state !== 'final') return OPEN_FRESHNESS;
  return finalFreshness(goneAtMs(period, retentions), nowMs);
}
