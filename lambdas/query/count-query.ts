// Parses count queries.
import { isEntity, isMetric } from '../core/event.ts';
import { DAY_MS, HOUR_MS, isoSeconds, MINUTE_MS } from '../core/time.ts';
import {
  GRAINS,
  type Grain,
  nextPeriodMs,
  parseTimeZone,
  periodStartMs,
  type Stretch,
  type TimedGrain,
  type TimeZone,
  UTC,
} from './calendar.ts';
import { InvalidQuery } from './invalid-query.ts';
import { type PageStart, readPageToken } from './page-token.ts';
import { flag, instantIn, isDate, oneOf, type Parameters, wholeNumber } from './parameters.ts';
import { previousRange } from './previous-range.ts';

/** A query: the count of a metric and entity in `fromMs <= t < toMs`, whole minutes. */
export interface CountQuery extends Stretch {
  readonly metric: string;
  readonly entity: string;
  readonly by: Grain;
  /** The time zone of hours, days, weeks and months; UTC for all other grains. */
  readonly zone: TimeZone;
  /** Whether points without events are included as 0. */
  readonly fillZero: boolean;
  /** Whether each point includes the sum from `from` to its own end. */
  readonly cumulative: boolean;
  /** The preceding range, if a comparison is requested. */
  readonly previous: Stretch | undefined;
  /** Maximum points in a page, with or without events. */
  readonly limit: number;
  /** Whether the end was given: the default is now, so the same request means something else a minute later. */
  readonly isEndGiven: boolean;
  /** State carried over from earlier pages; undefined: this is the first. */
  readonly page: PageStart | undefined;
}

/** Maximum points of an answer: Lambda limits a response to 6 MB. */
export const POINTS_MAX = 50_000;

/** The approximate duration of a period. */
const GRAIN_MS: Readonly<Record<TimedGrain, number>> = {
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
};
/** The default range: an hour of minutes, a day of hours, thirty days, a quarter of weeks, a year of months. */
const DEFAULT_SPAN_MS: Readonly<Record<TimedGrain, number>> = {
  minute: HOUR_MS,
  hour: DAY_MS,
  day: 30 * DAY_MS,
  week: 91 * DAY_MS,
  month: 365 * DAY_MS,
};

const COUNT_PARAMETERS: readonly string[] = [
  'from',
  'to',
  'by',
  'tz',
  'fill',
  'cumulative',
  'compare',
  'limit',
  'next',
];
/** Parameters that require points. */
const OF_POINTS = ['fill', 'cumulative', 'limit'] as const;

/**
 * Parses a query.
 * @param parameters `from` and `to` as ISO 8601, epoch milliseconds or a date, on whole minutes (`from` included, `to` not), `by`
 *   (default `total`), `tz` (an IANA name; not for minutes and totals), `fill=zero`, `cumulative=true`, `compare=previous`,
 *   `limit` (points of a page), or `next` alone. Without `from`, `total` means all time.
 * @param nowMs the request's time; `to` defaults to the next whole minute after it
 * @param limitMax maximum points of a page, whatever is requested
 * @throws InvalidQuery naming the wrong parameter
 */
export function parseCountQuery(
  metric: string,
  entity: string,
  parameters: Parameters,
  nowMs: number,
  limitMax = POINTS_MAX,
): CountQuery {
  if (!isMetric(metric)) throw new InvalidQuery('"metric" must be 1 to 64 of A-Z a-z 0-9 _ . -');
  if (!isEntity(entity))
    throw new InvalidQuery('"entity" must be 1 to 512 characters without control characters');
  const names = Object.keys(parameters).filter((name) => parameters[name] !== undefined);
  const unknown = names.find((name) => !COUNT_PARAMETERS.includes(name));
  if (unknown !== undefined)
    throw new InvalidQuery(`there is no parameter "${unknown}": use ${listed(COUNT_PARAMETERS)}`);
  const { next } = parameters;
  if (next === undefined) return { ...read(metric, entity, parameters, nowMs, limitMax), page: undefined };
  const other = names.find((name) => name !== 'next');
  if (other !== undefined)
    throw new InvalidQuery(`"next" cannot be combined with "${other}": it holds the whole question`);
  const token = readPageToken(next, metric, entity);
  if (token === undefined)
    throw new InvalidQuery('"next" is not a token for this metric and entity: start again without it');
  return { ...read(metric, entity, token.parameters, nowMs, limitMax), page: token.page };
}

function read(
  metric: string,
  entity: string,
  parameters: Parameters,
  nowMs: number,
  limitMax: number,
): Omit<CountQuery, 'page'> {
  const by = oneOf('by', parameters['by'] ?? 'total', GRAINS);
  checkCombination(by, parameters);
  const asked = zoneIn(parameters['tz']);
  const zone = hasZone(by) ? asked : UTC;
  const fillZero = flag('fill', parameters['fill'], 'zero');
  const cumulative = flag('cumulative', parameters['cumulative'], 'true');
  const compare = flag('compare', parameters['compare'], 'previous');
  const limit = wholeNumber('limit', parameters['limit'] ?? String(POINTS_MAX), 1, POINTS_MAX);
  const endMs = wholeMinute('to', parameters['to'], asked);
  const toMs = endMs ?? nextPeriodMs('minute', nowMs);
  const fromMs = wholeMinute('from', parameters['from'], asked) ?? defaultFromMs(by, toMs, zone);
  if (fromMs >= toMs)
    throw new InvalidQuery(`"from" (${isoSeconds(fromMs)}) must be before "to" (${isoSeconds(toMs)})`);
  const stretch = { fromMs, toMs };
  if (compare && by !== 'total' && (toMs - fromMs) / GRAIN_MS[by] > limitMax / 2) {
    const most = Math.floor(limitMax / 2);
    throw new InvalidQuery(`"compare" allows at most ${most} ${by}s: choose a shorter range`);
  }
  const previous = compare ? previousRange(stretch, by, zone) : undefined;
  return {
    ...{ metric, entity, by, zone, ...stretch, fillZero, cumulative, previous },
    limit: Math.min(limit, limitMax),
    isEndGiven: endMs !== undefined,
  };
}

/** @throws InvalidQuery for parameters that conflict */
function checkCombination(by: Grain, parameters: Parameters): void {
  const { tz, compare, from, to, limit } = parameters;
  if (tz !== undefined && !hasZone(by) && !isDate(from) && !isDate(to))
    throw new InvalidQuery('"tz" needs by=hour, day, week or month, or a date as "from" or "to"');
  const pointless = OF_POINTS.find((name) => parameters[name] !== undefined);
  if (by === 'total' && pointless !== undefined)
    throw new InvalidQuery(`"${pointless}" needs points, and by=total has none: use by=day, for example`);
  if (compare !== undefined && by === 'total' && from === undefined)
    throw new InvalidQuery('"compare" with by=total needs a "from"');
  if (compare !== undefined && limit !== undefined)
    throw new InvalidQuery('"compare" and "limit" cannot be combined: a comparison has no pages');
}

/** Whether points of a grain depend on the time zone. */
export function hasZone(by: Grain): boolean {
  return by !== 'minute' && by !== 'total';
}

function zoneIn(name: string | undefined): TimeZone {
  if (name === undefined) return UTC;
  const zone = parseTimeZone(name);
  if (zone === undefined)
    throw new InvalidQuery('"tz" must be a time zone of the IANA database, such as Europe/Berlin');
  return zone;
}

/** @param zone in which a date means its midnight */
function wholeMinute(name: string, text: string | undefined, zone: TimeZone): number | undefined {
  if (text === undefined) return undefined;
  const instantMs = instantIn(name, text, zone);
  if (instantMs % MINUTE_MS !== 0) {
    const earlier = isoSeconds(instantMs - (instantMs % MINUTE_MS));
    throw new InvalidQuery(
      `"${name}" must be a whole minute, such as ${earlier}: counts are kept by the minute`,
    );
  }
  return instantMs;
}

/** Starts days, weeks and months at a period's start: half a day would look like a bad one. */
function defaultFromMs(by: Grain, toMs: number, zone: TimeZone): number {
  if (by === 'total') return 0;
  const fromMs = Math.max(0, toMs - DEFAULT_SPAN_MS[by]);
  return by === 'minute' || by === 'hour' ? fromMs : Math.max(0, periodStartMs(by, fromMs, zone));
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
