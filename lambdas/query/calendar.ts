// The calendar of answers: minutes, hours, days, weeks and months in a time zone, exact across clock changes.
// The polyfill's functions, not its classes: a bundle contains only what is used.
import * as Instant from 'temporal-polyfill/fns/Instant';
import * as PlainDate from 'temporal-polyfill/fns/PlainDate';
import * as ZonedDateTime from 'temporal-polyfill/fns/ZonedDateTime';
import {
  DAY_MS,
  dayStartMs,
  HOUR_MS,
  hourStartMs,
  isoSeconds,
  LATEST_INSTANT_MS,
  MINUTE_MS,
  monthStartMs,
  nextMonthMs,
} from '../core/time.ts';

export const GRAINS = ['minute', 'hour', 'day', 'week', 'month', 'total'] as const;
export type Grain = (typeof GRAINS)[number];
/** Grains whose points have a time. Minutes are the same everywhere; the others depend on the time zone. Weeks begin on Monday. */
export type TimedGrain = Exclude<Grain, 'total'>;

/** A time range, epoch milliseconds, `fromMs <= t < toMs`. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A time zone's name in the IANA database, such as `Europe/Berlin` or `UTC`. */
export type TimeZone = string & { readonly timeZone: unique symbol };

/** Coordinated universal time, in which stored blocks are cut. */
export const UTC = 'UTC' as TimeZone;

const UTC_NAMES: ReadonlySet<string> = new Set(['utc', 'etc/utc', 'etc/uct', 'uct', 'zulu', 'etc/zulu']);

/**
 * Parses a time zone's name. Refuses offsets such as `+02:00`: they ignore daylight saving, so days cut by them would be
 * wrong for half of the year, unnoticed.
 * @returns undefined if the database has no such zone
 */
export function parseTimeZone(name: string): TimeZone | undefined {
  if (UTC_NAMES.has(name.toLowerCase())) return UTC;
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return zonedAt(0, name).timeZoneId as TimeZone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function zonedAt(atMs: number, zone: string) {
  return Instant.toZonedDateTimeISO(Instant.fromEpochMilliseconds(atMs), zone);
}

/** How far a zone's clocks are ahead of UTC. */
function aheadMsOf(at: ZonedDateTime.Record): number {
  return ZonedDateTime.offsetNanoseconds(at) / 1e6;
}

const WEEK_MS = 7 * DAY_MS;
/** 1970 began on a Thursday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

const UTC_STARTS: Readonly<Record<TimedGrain, (atMs: number) => number>> = {
  minute: (atMs) => Math.floor(atMs / MINUTE_MS) * MINUTE_MS,
  hour: hourStartMs,
  day: dayStartMs,
  week: (atMs) => Math.floor((atMs - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS,
  month: monthStartMs,
};
const LENGTHS_MS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS, week: WEEK_MS };

/** Grains whose periods consist of whole dates. */
type DateGrain = 'day' | 'week' | 'month';

/** The start of the minute, hour, day, week or month that contains an instant, epoch milliseconds. */
export function periodStartMs(grain: TimedGrain, atMs: number, zone = UTC): number {
  if (zone === UTC || grain === 'minute') return UTC_STARTS[grain](atMs);
  if (grain === 'hour') return zoneHour(atMs, zone).fromMs;
  return midnightMs(firstDate(grain, atMs, zone), zone);
}

/** The start of the next one. */
export function nextPeriodMs(grain: TimedGrain, atMs: number, zone = UTC): number {
  if (zone === UTC || grain === 'minute')
    return grain === 'month' ? nextMonthMs(atMs) : UTC_STARTS[grain](atMs) + LENGTHS_MS[grain];
  if (grain === 'hour') return zoneHour(atMs, zone).toMs;
  return followingMs(firstDate(grain, atMs, zone), grain, zone, atMs);
}

/** The first start of a minute, hour, day, week or month at or after an instant. */
export function periodCeilingMs(grain: TimedGrain, atMs: number, zone = UTC): number {
  const startMs = periodStartMs(grain, atMs, zone);
  return startMs === atMs ? atMs : nextPeriodMs(grain, atMs, zone);
}

/**
 * The periods that overlap a range, contiguous; the first may begin before it, the last end after it. A day has 23 to 25
 * hours where clocks change, and a date that a zone skipped (Apia's 30 December 2011) is omitted.
 * @param range epoch milliseconds; an empty range has no periods
 */
export function* periodsOf(range: Stretch, grain: TimedGrain, zone = UTC): Generator<Stretch> {
  if (range.fromMs >= range.toMs) return;
  const steadyAt = zone === UTC || grain === 'minute' ? undefined : steadyStretches(zone);
  for (let fromMs = periodStartMs(grain, range.fromMs, zone); fromMs < range.toMs; ) {
    const toMs = (steadyAt && steadyEndMs(grain, fromMs, steadyAt)) ?? nextPeriodMs(grain, fromMs, zone);
    yield { fromMs, toMs };
    fromMs = toMs;
  }
}

/** A time range without clock changes in a zone. */
interface Steady extends Stretch {
  /** The zone's offset from UTC, and its ISO 8601 form: to the minute, or to the second if necessary. */
  readonly aheadMs: number;
  readonly offset: string;
}

/** How far to trust that no change follows: the polyfill looks three years ahead. */
const STEADY_MAX_MS = 365 * DAY_MS;

/** The steady range of an instant. Asks the database once per range instead of once per day, which would dominate an answer's time. */
function steadyStretches(zone: TimeZone): (atMs: number) => Steady {
  let last: Steady | undefined;
  return (atMs) => {
    if (last !== undefined && last.fromMs <= atMs && atMs < last.toMs) return last;
    const at = zonedAt(atMs, zone);
    const changeMs = ZonedDateTime.getTimeZoneTransition(at, 'next')?.epochMilliseconds ?? Infinity;
    const toMs = Math.min(changeMs, atMs + STEADY_MAX_MS);
    last = { fromMs: atMs, toMs, aheadMs: aheadMsOf(at), offset: ZonedDateTime.offset(at) };
    return last;
  };
}

/**
 * When an hour, a day or a week ends that begins on the hour or at midnight; undefined: clocks change before or at its end,
 * or it begins at another time.
 */
function steadyEndMs(
  grain: TimedGrain,
  startMs: number,
  steadyAt: (atMs: number) => Steady,
): number | undefined {
  if (grain === 'month') return undefined;
  const { toMs, aheadMs } = steadyAt(startMs);
  const endMs = startMs + LENGTHS_MS[grain];
  const isAligned = (startMs + aheadMs) % (grain === 'hour' ? HOUR_MS : DAY_MS) === 0;
  return isAligned && endMs < toMs ? endMs : undefined;
}

/**
 * The hour on a zone's clocks that contains an instant. Where clocks change by half an hour (Lord Howe), the change ends the
 * current hour, and the next one begins.
 */
function zoneHour(atMs: number, zone: TimeZone): Stretch {
  const at = zonedAt(atMs, zone);
  const aheadMs = aheadMsOf(at);
  const startMs = hourStartMs(atMs + aheadMs) - aheadMs;
  const endMs = startMs + HOUR_MS;
  const shifts = (change: ZonedDateTime.Record | null, from: number, to: number): number | undefined => {
    if (change === null || change.epochMilliseconds <= from || change.epochMilliseconds >= to)
      return undefined;
    const before = ZonedDateTime.subtractNanoseconds(change, 1);
    return (aheadMsOf(change) - aheadMsOf(before)) % HOUR_MS === 0 ? undefined : change.epochMilliseconds;
  };
  // `previous` finds a change before the instant, not at it.
  const last = ZonedDateTime.getTimeZoneTransition(ZonedDateTime.addNanoseconds(at, 1), 'previous');
  return {
    fromMs: shifts(last, startMs, atMs + 1) ?? startMs,
    toMs: shifts(ZonedDateTime.getTimeZoneTransition(at, 'next'), atMs, endMs) ?? endMs,
  };
}

/** The start of a date such as `2026-11-22` in a zone, epoch milliseconds; undefined if it is invalid or before 1970. */
export function dateStartMs(text: string, zone: TimeZone): number | undefined {
  if (!/^(19[7-9]|[2-9]\d\d)\d-\d\d-\d\d$/.test(text)) return undefined;
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  try {
    // East of Greenwich, the first day began before the epoch.
    return Math.max(0, midnightMs(PlainDate.create(year, month, day), zone));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The first date of the day, week or month that contains an instant in a zone. */
function firstDate(grain: DateGrain, atMs: number, zone: TimeZone): PlainDate.Record {
  const onClock = ZonedDateTime.toPlainDate(zonedAt(atMs, zone));
  // Clocks set back over midnight repeat the previous day: a day begins when its midnight first occurs.
  const next = PlainDate.addDays(onClock, 1);
  const date = midnightMs(next, zone) <= atMs ? next : onClock;
  if (grain === 'day') return date;
  return grain === 'week' ? PlainDate.startOfWeek(date) : PlainDate.startOfMonth(date);
}

const ADD = { day: PlainDate.addDays, week: PlainDate.addWeeks, month: PlainDate.addMonths };

/** The start of the first period that begins after an instant: a zone may have skipped the next date. */
function followingMs(date: PlainDate.Record, grain: DateGrain, zone: TimeZone, afterMs: number): number {
  const next = ADD[grain](date, 1);
  const startMs = midnightMs(next, zone);
  return startMs > afterMs ? startMs : followingMs(next, grain, zone, afterMs);
}

/** The first instant of a date; if the zone skipped the date, the first instant after it. */
function midnightMs(date: PlainDate.Record, zone: TimeZone): number {
  return PlainDate.toZonedDateTime(date, { timeZone: zone }).epochMilliseconds;
}

const WHOLE_MINUTES = /^[+-]\d\d:\d\d$/;

/**
 * Formats instants for answers: `Z` in UTC, otherwise the offset then in force, `2026-10-25T00:00:00+02:00`. Fastest in
 * ascending order.
 */
export function instantsIn(zone: TimeZone): (atMs: number) => string {
  if (zone === UTC) return isoSeconds;
  const steadyAt = steadyStretches(zone);
  return (atMs) => {
    const { aheadMs, offset } = steadyAt(atMs);
    const localMs = atMs + aheadMs;
    if (WHOLE_MINUTES.test(offset) && localMs <= LATEST_INSTANT_MS)
      return isoSeconds(localMs).replace('Z', offset);
    return ZonedDateTime.toString(zonedAt(atMs, zone), { timeZoneName: 'never', smallestUnit: 'second' });
  };
}

export function isFiner(grain: Grain, other: Grain): boolean {
  return GRAINS.indexOf(grain) < GRAINS.indexOf(other);
}
