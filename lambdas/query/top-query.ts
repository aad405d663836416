// Questions about the top: reading a request, and answering it from a list and the claim.
import { goneAtMs, type Level, type Period, periodAt, periodEndMs, type Retentions } from '../core/level.ts';
import { isoSeconds, MINUTE_MS } from '../core/time.ts';
import { TOP_MAX, type TopEntry } from '../core/top.ts';
import type { Freshness } from '../ports.ts';
import { UTC } from './calendar.ts';
import { finalFromMs, isFinal } from './count-answer.ts';
import { finalFreshness, OPEN_FRESHNESS } from './count-freshness.ts';
import { instantIn } from './instant.ts';

/** The lengths of the periods that have lists. */
export const TOP_GRAINS = ['hour', 'day', 'month', 'total'] as const;
export type TopGrain = (typeof TOP_GRAINS)[number];

const LEVEL_OF: Readonly<Record<TopGrain, Level>> = {
  hour: 'hours',
  day: 'days',
  month: 'months',
  total: 'all',
};

/** A question: the first `k` entities of a metric in an hour, a day, a month or all time. */
export interface TopQuery {
  readonly metric: string;
  readonly by: TopGrain;
  readonly period: Period;
  /** Whether the period was named: without, it is that of the time of asking. */
  readonly isNamed: boolean;
  readonly k: number;
}

/** A question that cannot be answered; the message says which parameter and what it may be. */
export class InvalidTopQuery extends Error {
  override readonly name = 'InvalidTopQuery';
}

const PARAMETERS: ReadonlySet<string> = new Set(['by', 'at', 'k']);
const K_DEFAULT = 10;

/**
 * Reads a question.
 * @param parameters the query string's parameters: `by` (default `day`), `at` as ISO 8601, epoch milliseconds or a date, any instant
 *   of the period (default: now), and `k` (default 10)
 * @throws InvalidTopQuery naming the parameter that is wrong
 */
export function parseTopQuery(
  metric: string,
  parameters: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): TopQuery {
  for (const name of Object.keys(parameters)) {
    if (!PARAMETERS.has(name)) {
      throw new InvalidTopQuery(`there is no parameter "${name}": use by, at and k`);
    }
  }
  const { by = 'day', at, k = String(K_DEFAULT) } = parameters;
  if (!isTopGrain(by)) throw new InvalidTopQuery(`"by" must be one of ${TOP_GRAINS.join(', ')}`);
  if (!/^\d{1,3}$/.test(k) || Number(k) < 1 || Number(k) > TOP_MAX) {
    throw new InvalidTopQuery(`"k" must be a whole number from 1 to ${TOP_MAX}`);
  }
  const atMs = at === undefined ? undefined : instantOf(at);
  if (atMs !== undefined && by === 'total') throw new InvalidTopQuery('"at" needs by=hour, day or month');
  const period = periodAt(LEVEL_OF[by], atMs ?? nowMs);
  if (period.startMs > nowMs) {
    throw new InvalidTopQuery(`"at" (${isoSeconds(period.startMs)}) is in a ${by} that has not begun`);
  }
  return { metric, by, period, isNamed: atMs !== undefined, k: Number(k) };
}

function isTopGrain(text: string): text is TopGrain {
  return (TOP_GRAINS as readonly string[]).includes(text);
}

function instantOf(text: string): number {
  const instantMs = instantIn('at', text, UTC);
  if (typeof instantMs === 'string') throw new InvalidTopQuery(instantMs);
  return instantMs;
}

/** The answer to a question. */
export interface TopAnswer {
  readonly metric: string;
  readonly by: TopGrain;
  /** The period: `from` included, `to` not, ISO 8601. All time goes to the minute of asking. */
  readonly from: string;
  readonly to: string;
  /**
   * Every event that arrived before this time is in the counts, ISO 8601; null as long as nothing is known. Of a final
   * answer it is the time since when nothing can have changed: the answer stays the same from then on.
   */
  readonly completeThrough: string | null;
  /** `final` when no event can be accepted any more that would change the answer. */
  readonly state: 'provisional' | 'final';
  /** Why the answer is not all that was asked for. */
  readonly note?: string;
  /** By count downwards, equal counts by entity upwards (code units). Fewer than asked for when there are no more. */
  readonly entries: readonly TopEntry[];
}

/** What an answer depends on besides the list. Times are milliseconds. */
export interface TopAnswerSettings {
  /** How long before its arrival an event may have happened; undefined: any time, so that nothing is final. */
  readonly acceptPastMs: number | undefined;
  readonly retentions: Retentions;
}

/**
 * The answer to a question.
 * @param entries of the list
 * @param throughMs the arrival time before which the list has everything, epoch milliseconds; read before the list
 */
export function topAnswer(
  { metric, by, period, k }: TopQuery,
  entries: readonly TopEntry[],
  throughMs: number,
  nowMs: number,
  { acceptPastMs, retentions }: TopAnswerSettings,
): TopAnswer {
  const endMs = periodEndMs(period);
  const isGone = goneAtMs(period, retentions) <= nowMs;
  const isDone = !isGone && isFinal({ toMs: endMs, throughMs }, acceptPastMs);
  const knownMs = isDone ? (finalFromMs(endMs, acceptPastMs) ?? 0) : throughMs;
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

/** For how long an answer may be used again: what is final until its list expires, anything else for seconds. */
export function topFreshness(
  { period, isNamed }: TopQuery,
  { state }: TopAnswer,
  nowMs: number,
  { retentions }: TopAnswerSettings,
): Freshness {
  // Without a time the next question is about another period.
  if (!isNamed || state !== 'final') return OPEN_FRESHNESS;
  return finalFreshness(goneAtMs(period, retentions), nowMs);
}
