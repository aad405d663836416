// Questions about the top: reading a request, and answering it from a list and the claims.
import { finalFromMs, isFinal } from './count-answer.ts';
import { type Freshness, finalFreshness, OPEN_FRESHNESS } from './count-freshness.ts';
import type { Claims, RetentionsMs } from './levels.ts';
import { isoSeconds, parseInstant } from './time.ts';
import { certainEntries, type Ranked, TOP_MAX, type TopList } from './top-list.ts';
import {
  levelOfTop,
  TOP_GRAINS,
  type TopGrain,
  type TopName,
  topEndMs,
  topExpiresAt,
  topStartMs,
} from './top-name.ts';

/** A question: the first `k` entities of a metric in an hour, day or month. */
export interface TopQuery {
  readonly metric: string;
  readonly by: TopGrain;
  /** An instant of the period, epoch milliseconds; undefined: the last one that is closed. */
  readonly atMs: number | undefined;
  readonly k: number;
}

/** A question that can not be answered; the message says which parameter and what it may be. */
export class InvalidTopQuery extends Error {
  override readonly name = 'InvalidTopQuery';
}

const PARAMETERS: ReadonlySet<string> = new Set(['by', 'at', 'k']);
const K_DEFAULT = 10;

/**
 * Reads a question.
 * @param parameters the query string's parameters: `by` (default `day`), `at` as ISO 8601 or epoch milliseconds, any instant of
 *   the period, and `k` (default 10)
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
  if (atMs !== undefined && topStartMs(by, atMs) > nowMs) {
    throw new InvalidTopQuery(`"at" (${isoSeconds(atMs)}) lies in a ${by} that has not begun yet`);
  }
  return { metric, by, atMs, k: Number(k) };
}

function isTopGrain(text: string): text is TopGrain {
  return (TOP_GRAINS as readonly string[]).includes(text);
}

function instantOf(text: string): number {
  const instantMs = parseInstant(/^\d{1,16}$/.test(text) ? Number(text) : text);
  if (instantMs === undefined) {
    throw new InvalidTopQuery(
      '"at" must be ISO 8601 with Z or an offset (2026-11-22T05:00:00Z) or epoch milliseconds',
    );
  }
  return instantMs;
}

/** The list that a question asks for. @param nowMs the time of asking: its period, when none is closed and none is named */
export function topNameOf({ metric, by, atMs }: TopQuery, claims: Claims, nowMs: number): TopName {
  if (atMs !== undefined) return { metric, by, startMs: topStartMs(by, atMs) };
  const { closedBeforeMs } = claims[levelOfTop(by)];
  const openMs = topStartMs(by, closedBeforeMs);
  return { metric, by, startMs: openMs === 0 ? topStartMs(by, nowMs) : topStartMs(by, openMs - 1) };
}

/** The answer to a question. */
export interface TopAnswer {
  readonly metric: string;
  readonly by: TopGrain;
  /** The period: `from` included, `to` not, ISO 8601. */
  readonly from: string;
  readonly to: string;
  /**
   * Every event that arrived before this time is in the counts, ISO 8601; null as long as nothing can be said. Of a final
   * answer it is the time since when nothing can have changed: the answer stays the same from then on.
   */
  readonly completeThrough: string | null;
  /** `final` when no event can be accepted any more that would change the answer. */
  readonly state: 'provisional' | 'final';
  /** Why the answer is not all that was asked for. */
  readonly note?: string;
  /** By count downwards, equal counts by entity upwards (code units). Fewer than asked for when there are no more, or `note` says why. */
  readonly entries: readonly Ranked[];
}

/** What an answer depends on besides the list. Times are milliseconds. */
export interface TopAnswerSettings {
  /** How long before its arrival an event may have happened; undefined: any time, so that nothing is final. */
  readonly acceptPastMs: number | undefined;
  readonly retentionsMs: RetentionsMs;
}

/** A list as it is stored, and when it may be deleted (epoch seconds); revision 0: there is none. */
export interface ListRead {
  readonly list: TopList;
  readonly revision: number;
  readonly expiresAt: number | undefined;
}

/**
 * The answer to a question.
 * @param stored read after the claims
 */
export function topAnswer(
  { k }: TopQuery,
  name: TopName,
  claims: Claims,
  stored: ListRead,
  nowMs: number,
  { acceptPastMs, retentionsMs }: TopAnswerSettings,
): TopAnswer {
  const { metric, by, startMs } = name;
  const endMs = topEndMs(name);
  const { throughMs: levelThroughMs, closedBeforeMs } = claims[levelOfTop(by)];
  const throughMs = Math.min(claims.throughMs, levelThroughMs);
  const isGone = goneFromMs(name, stored, retentionsMs) <= nowMs;
  const certain = certainEntries(stored.list);
  const isShort = stored.list.outside !== undefined && certain < k;
  const isOpen = endMs > closedBeforeMs;
  const isDone = !isGone && !isShort && !isOpen && isFinal({ toMs: endMs, throughMs }, acceptPastMs);
  const knownMs = isDone ? (finalFromMs(endMs, acceptPastMs) ?? 0) : throughMs;
  const note = isGone
    ? `no list of this ${by} is kept any more`
    : isShort
      ? `only the first ${certain} are certain: counts have fallen, and the list could not be made anew`
      : isOpen
        ? `the ${by} is still open: this is the order of what is compacted so far`
        : undefined;
  return {
    metric,
    by,
    from: isoSeconds(startMs),
    to: isoSeconds(endMs),
    completeThrough: knownMs === 0 ? null : new Date(knownMs).toISOString(),
    state: isDone ? 'final' : 'provisional',
    ...(note !== undefined && { note }),
    entries: isGone ? [] : stored.list.entries.slice(0, Math.min(k, certain)),
  };
}

/** When a list is not answered from any more, epoch milliseconds; `Infinity`: never. */
function goneFromMs(name: TopName, { revision, expiresAt }: ListRead, retentionsMs: RetentionsMs): number {
  const seconds = revision === 0 ? topExpiresAt(name, retentionsMs) : expiresAt;
  return seconds === undefined ? Infinity : seconds * 1000;
}

/** For how long an answer may be used again: what is final until its list expires, anything else for seconds. */
export function topFreshness(
  { atMs }: TopQuery,
  name: TopName,
  { state }: TopAnswer,
  stored: ListRead,
  nowMs: number,
  { retentionsMs }: TopAnswerSettings,
): Freshness {
  // Without a time the next question is about another period.
  if (atMs === undefined || state !== 'final') return OPEN_FRESHNESS;
  return finalFreshness(goneFromMs(name, stored, retentionsMs), nowMs);
}
