// Questions about counts: reading a request.
import { GRAINS, type Grain, type TimedGrain } from './grains.ts';
import { DAY_MS, HOUR_MS, isoSeconds, MINUTE_MS, monthStartMs, parseInstant } from './time.ts';

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

/** A question that can not be answered; the message says which parameter and what it may be. */
export class InvalidCountQuery extends Error {
  override readonly name = 'InvalidCountQuery';
}

/** Most points of an answer. */
export const POINTS_MAX = 50_000;

/** The least that a point of a grain spans. */
const GRAIN_MS: Record<TimedGrain, number> = {
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  month: 28 * DAY_MS,
};
/** How far back a question reaches that does not say: an hour of minutes, a day of hours, thirty days, a year of months. */
const DEFAULT_SPAN_MS: Record<TimedGrain, number> = {
  minute: HOUR_MS,
  hour: DAY_MS,
  day: 30 * DAY_MS,
  month: 365 * DAY_MS,
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
  if (by === 'total') return 0;
  const fromMs = Math.max(0, toMs - DEFAULT_SPAN_MS[by]);
  return by === 'month' ? monthStartMs(fromMs) : fromMs;
}
