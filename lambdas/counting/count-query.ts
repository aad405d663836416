// Questions about counts: reading a request, and turning counter items into its answer.
import type { CounterItem } from './counter-item.ts';
import { DAY_MS, HOUR_MS, isoSeconds, MINUTE_MS, parseInstant } from './time.ts';

/** The grains of an answer. Days are days in UTC. */
export const GRAINS = ['minute', 'hour', 'day', 'total'] as const;
export type Grain = (typeof GRAINS)[number];

/** A question: how much of a metric an entity had in `fromMs <= t < toMs`. */
export interface CountQuery {
  readonly metric: string;
  readonly entity: string;
  readonly by: Grain;
  /** Epoch milliseconds, a whole minute. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether points without events are given as 0. */
  readonly fillZero: boolean;
}

/** One point of an answer. */
export interface CountPoint {
  /** The start of the minute, hour or day, ISO 8601. */
  readonly at: string;
  readonly n: bigint;
  /** `final` when no event can be accepted any more that would change it. */
  readonly state: 'provisional' | 'final';
}

/** What decides whether a point can still change. Times are epoch milliseconds. */
export interface Completeness {
  /** The arrival time before which everything is counted; 0: nothing is claimed. */
  readonly throughMs: number;
  /** How long before its arrival an event may have happened; undefined: any time, so that no point is ever final. */
  readonly acceptPastMs: number | undefined;
}

/** The answer to a question. */
export interface CountAnswer {
  readonly metric: string;
  readonly entity: string;
  readonly by: Grain;
  readonly from: string;
  readonly to: string;
  readonly total: bigint;
  /** Every event that arrived before this time is in the counts, ISO 8601; null as long as nothing can be said. */
  readonly completeThrough: string | null;
  /** By time; none for `total`. */
  readonly points: readonly CountPoint[];
}

/** A question that can not be answered; the message says which parameter and what it may be. */
export class InvalidCountQuery extends Error {
  override readonly name = 'InvalidCountQuery';
}

/** Most points of an answer. */
export const POINTS_MAX = 50_000;

const GRAIN_MS: Record<Exclude<Grain, 'total'>, number> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };
/** How far back a question reaches that does not say: an hour of minutes, a day of hours, thirty days. */
const DEFAULT_SPAN_MS: Record<Exclude<Grain, 'total'>, number> = {
  minute: HOUR_MS,
  hour: DAY_MS,
  day: 30 * DAY_MS,
};

const PARAMETERS: ReadonlySet<string> = new Set(['from', 'to', 'by', 'fill']);

/**
 * Reads a question.
 * @param parameters the query string's parameters: `from` and `to` as ISO 8601 or epoch milliseconds on whole minutes
 *   (`from` included, `to` not), `by` (default `total`), `fill=zero`. Without `from`, `total` means all time.
 * @param nowMs the time of asking; `to` is the next whole minute after it unless given
 * @throws InvalidCountQuery naming the parameter that is wrong
 */
export function parseCountQuery(
  metric: string,
  entity: string,
  parameters: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): CountQuery {
  for (const name of Object.keys(parameters)) {
    if (!PARAMETERS.has(name)) {
      throw new InvalidCountQuery(`there is no parameter "${name}": use from, to, by and fill`);
    }
  }
  const { by = 'total', fill } = parameters;
  if (!isGrain(by)) throw new InvalidCountQuery(`"by" must be one of ${GRAINS.join(', ')}`);
  if (fill !== undefined && fill !== 'zero') throw new InvalidCountQuery('"fill" can only be "zero"');
  const toMs = wholeMinute('to', parameters['to']) ?? nextMinute(nowMs);
  const fromMs = wholeMinute('from', parameters['from']) ?? defaultFromMs(by, toMs);
  if (fromMs >= toMs)
    throw new InvalidCountQuery(`"from" (${isoSeconds(fromMs)}) must be before "to" (${isoSeconds(toMs)})`);
  if (by !== 'total') {
    const points = Math.ceil((toMs - fromMs) / GRAIN_MS[by]) + 1;
    if (points > POINTS_MAX) {
      throw new InvalidCountQuery(
        `"from" to "to" holds ${points} ${by}s, more than ${POINTS_MAX}: ask for a shorter range or a coarser "by"`,
      );
    }
  }
  return { metric, entity, by, fromMs, toMs, fillZero: fill === 'zero' };
}

function isGrain(text: string): text is Grain {
  return (GRAINS as readonly string[]).includes(text);
}

function wholeMinute(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const instantMs = parseInstant(/^\d{1,16}$/.test(text) ? Number(text) : text);
  if (instantMs === undefined) {
    throw new InvalidCountQuery(
      `"${name}" must be ISO 8601 with Z or an offset (2026-11-22T05:00:00Z) or epoch milliseconds`,
    );
  }
  if (instantMs % MINUTE_MS !== 0) {
    const earlier = isoSeconds(instantMs - (instantMs % MINUTE_MS));
    throw new InvalidCountQuery(
      `"${name}" must be a whole minute, such as ${earlier}: counts are kept by the minute`,
    );
  }
  return instantMs;
}

function nextMinute(nowMs: number): number {
  return (Math.floor(nowMs / MINUTE_MS) + 1) * MINUTE_MS;
}

function defaultFromMs(by: Grain, toMs: number): number {
  return by === 'total' ? 0 : Math.max(0, toMs - DEFAULT_SPAN_MS[by]);
}

/**
 * Answers a question from counter items. Exact at its edges: items hold minutes.
 * @param items the counter's items whose buckets touch the range, in any order
 * @param completeness read before the items: a claim must not vouch for counts that were read before it
 * @param nowMs the time of asking: items past their expiry count as gone, whether they are deleted yet or not
 */
export async function answerCountQuery(
  query: CountQuery,
  items: AsyncIterable<CounterItem>,
  completeness: Completeness,
  nowMs: number,
): Promise<CountAnswer> {
  const { metric, entity, by, fromMs, toMs } = query;
  const grainMs = by === 'total' ? undefined : GRAIN_MS[by];
  const sums = new Map<number, bigint>();
  let total = 0n;
  for await (const { bucketStartMs, minutes, expiresAt } of items) {
    if (expiresAt !== undefined && expiresAt * 1000 <= nowMs) continue;
    const hourMs = bucketStartMs - (bucketStartMs % HOUR_MS);
    for (const [minute, n] of minutes) {
      const atMs = hourMs + minute * MINUTE_MS;
      if (atMs < fromMs || atMs >= toMs) continue;
      total += n;
      if (grainMs === undefined) continue;
      const pointMs = atMs - (atMs % grainMs);
      sums.set(pointMs, (sums.get(pointMs) ?? 0n) + n);
    }
  }
  if (grainMs !== undefined && query.fillZero) {
    for (let atMs = fromMs - (fromMs % grainMs); atMs < toMs; atMs += grainMs) {
      if (!sums.has(atMs)) sums.set(atMs, 0n);
    }
  }
  const points = [...sums]
    .sort(([a], [b]) => a - b)
    .map(([atMs, n]): CountPoint => {
      const endMs = Math.min(toMs, atMs + (grainMs ?? 0));
      return { at: isoSeconds(atMs), n, state: isFinal(endMs, completeness) ? 'final' : 'provisional' };
    });
  const { throughMs } = completeness;
  const completeThrough = throughMs === 0 ? null : new Date(throughMs).toISOString();
  return {
    metric,
    entity,
    by,
    from: isoSeconds(fromMs),
    to: isoSeconds(toMs),
    total,
    completeThrough,
    points,
  };
}

/** Kinesis' clocks step back a little now and then; a point is final only well past that. */
const CLOCK_MARGIN_MS = MINUTE_MS;

/** Whether every event that may still arrive would be too old for the minutes before `endMs`. */
function isFinal(endMs: number, { throughMs, acceptPastMs }: Completeness): boolean {
  return acceptPastMs !== undefined && endMs + acceptPastMs + CLOCK_MARGIN_MS <= throughMs;
}
