// The calendar of answers: minutes, hours, days, weeks and months, in a time zone, exact over changes of the clock.
import { Temporal } from 'temporal-polyfill';
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

/** The grains of an answer, finest first. */
export const GRAINS = ['minute', 'hour', 'day', 'week', 'month', 'total'] as const;
export type Grain = (typeof GRAINS)[number];
/** Grains whose points have a time. Minutes are the same everywhere; all others are those of a time zone. Weeks begin on Monday. */
export type TimedGrain = Exclude<Grain, 'total'>;

/** A stretch of time, epoch milliseconds, `startMs <= t < endMs`. */
export interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

/** A time zone's name in the IANA database, such as `Europe/Berlin`; `UTC` is one. */
export type TimeZone = string & { readonly timeZone: unique symbol };

/** Coordinated universal time, whose hours, days and months are those of the stored blocks. */
export const UTC = 'UTC' as TimeZone;

/** Names that mean UTC. */
const UTC_NAMES: ReadonlySet<string> = new Set(['utc', 'etc/utc', 'etc/uct', 'uct', 'zulu', 'etc/zulu']);

/**
 * Reads a time zone's name. Offsets such as `+02:00` are none: they know nothing of daylight saving, so that days cut by
 * them would be wrong for half of the year without anybody noticing.
 * @returns undefined when the database has no such zone
 */
export function parseTimeZone(name: string): TimeZone | undefined {
  if (UTC_NAMES.has(name.toLowerCase())) return UTC;
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId as TimeZone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
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
const UTC_LENGTHS_MS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS, week: WEEK_MS };

/** Grains whose periods are made of whole dates. */
type DateGrain = 'day' | 'week' | 'month';

/** The start of the minute, hour, day, week or month that holds an instant, epoch milliseconds. */
export function periodStartMs(grain: TimedGrain, atMs: number, zone = UTC): number {
  if (zone === UTC || grain === 'minute') return UTC_STARTS[grain](atMs);
  if (grain === 'hour') return zoneHour(atMs, zone).startMs;
  return midnightMs(firstDate(grain, atMs, zone), zone);
}

/** The start of the next one. */
export function nextPeriodMs(grain: TimedGrain, atMs: number, zone = UTC): number {
  if (zone === UTC || grain === 'minute')
    return grain === 'month' ? nextMonthMs(atMs) : UTC_STARTS[grain](atMs) + UTC_LENGTHS_MS[grain];
  if (grain === 'hour') return zoneHour(atMs, zone).endMs;
  return followingMs(firstDate(grain, atMs, zone), grain, zone, atMs);
}

/** The first start of a minute, hour, day, week or month that is not before an instant. */
export function periodCeilingMs(grain: TimedGrain, atMs: number, zone = UTC): number {
  const startMs = periodStartMs(grain, atMs, zone);
  return startMs === atMs ? atMs : nextPeriodMs(grain, atMs, zone);
}

/**
 * The periods that a range touches, in order and without holes; the first may begin before it, the last end after it.
 * A day has 23 to 25 hours where clocks change, and one that a zone skipped (Apia's 30 December 2011) is not there.
 * @param range epoch milliseconds; empty ranges touch nothing
 */
export function* periodsOf(range: Period, grain: TimedGrain, zone = UTC): Generator<Period> {
  if (range.startMs >= range.endMs) return;
  if (zone === UTC || grain === 'minute') {
    for (let startMs = periodStartMs(grain, range.startMs); startMs < range.endMs; ) {
      const endMs = nextPeriodMs(grain, startMs);
      yield { startMs, endMs };
      startMs = endMs;
    }
    return;
  }
  const steadyAt = steadyStretches(zone);
  for (let startMs = periodStartMs(grain, range.startMs, zone); startMs < range.endMs; ) {
    const endMs = steadyEndMs(grain, startMs, steadyAt) ?? nextPeriodMs(grain, startMs, zone);
    yield { startMs, endMs };
    startMs = endMs;
  }
}

/** A stretch in which a zone's clocks are not changed, epoch milliseconds, `fromMs <= t < untilMs`. */
interface Steady {
  readonly fromMs: number;
  readonly untilMs: number;
  /** How far the zone's clocks are ahead of UTC, and as ISO 8601 writes it: to the minute, or the second if it must. */
  readonly aheadMs: number;
  readonly offset: string;
}

/** Where no change is known any more, for how long that is relied on: the polyfill looks three years ahead. */
const STEADY_MAX_MS = 365 * DAY_MS;

/** The stretch of an instant. The database is asked once for each, not for each day, which takes most of an answer's time. */
function steadyStretches(zone: TimeZone): (atMs: number) => Steady {
  let last: Steady | undefined;
  return (atMs) => {
    if (last !== undefined && last.fromMs <= atMs && atMs < last.untilMs) return last;
    const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone);
    const changeMs = at.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity;
    const untilMs = Math.min(changeMs, atMs + STEADY_MAX_MS);
    last = { fromMs: atMs, untilMs, aheadMs: at.offsetNanoseconds / 1e6, offset: at.offset };
    return last;
  };
}

const STEADY_LENGTHS_MS = { hour: HOUR_MS, day: DAY_MS, week: WEEK_MS };

/**
 * When an hour, a day or a week ends that begins on the hour or at midnight; undefined: clocks change before it ends or just
 * then, or it begins otherwise.
 */
function steadyEndMs(
  grain: Exclude<TimedGrain, 'minute'>,
  startMs: number,
  steadyAt: (atMs: number) => Steady,
): number | undefined {
  if (grain === 'month') return undefined;
  const { untilMs, aheadMs } = steadyAt(startMs);
  const endMs = startMs + STEADY_LENGTHS_MS[grain];
  return (startMs + aheadMs) % (grain === 'hour' ? HOUR_MS : DAY_MS) === 0 && endMs < untilMs
    ? endMs
    : undefined;
}

/**
 * The hour of a zone's clocks that holds an instant. Where they are set by half an hour (Lord Howe), the hour under way is cut
 * there, and the next one begins.
 */
function zoneHour(atMs: number, zone: TimeZone): Period {
  const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone);
  const aheadMs = at.offsetNanoseconds / 1e6;
  const startMs = hourStartMs(atMs + aheadMs) - aheadMs;
  const endMs = startMs + HOUR_MS;
  const shifts = (change: Temporal.ZonedDateTime | null, from: number, to: number): number | undefined => {
    if (change === null || change.epochMilliseconds <= from || change.epochMilliseconds >= to)
      return undefined;
    const before = change.subtract({ nanoseconds: 1 }).offsetNanoseconds / 1e6;
    return (change.offsetNanoseconds / 1e6 - before) % HOUR_MS === 0 ? undefined : change.epochMilliseconds;
  };
  // `previous` looks for a change before the instant itself.
  const last = at.add({ nanoseconds: 1 }).getTimeZoneTransition('previous');
  return {
    startMs: shifts(last, startMs, atMs + 1) ?? startMs,
    endMs: shifts(at.getTimeZoneTransition('next'), atMs, endMs) ?? endMs,
  };
}

/** The start of a date such as `2026-11-22` in a zone, epoch milliseconds; undefined when it is none, or before 1970. */
export function dateStartMs(text: string, zone: TimeZone): number | undefined {
  if (!/^(19[7-9]|[2-9]\d\d)\d-\d\d-\d\d$/.test(text)) return undefined;
  try {
    // East of Greenwich the first day began before the epoch.
    return Math.max(0, midnightMs(Temporal.PlainDate.from(text, { overflow: 'reject' }), zone));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The first date of the day, week or month that an instant belongs to in a zone. */
function firstDate(grain: DateGrain, atMs: number, zone: TimeZone): Temporal.PlainDate {
  const onClock = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone).toPlainDate();
  // Clocks that were set back over midnight show the day before once more: a day begins when its midnight first comes.
  const next = onClock.add({ days: 1 });
  const date = midnightMs(next, zone) <= atMs ? next : onClock;
  if (grain === 'day') return date;
  return grain === 'week' ? date.subtract({ days: date.dayOfWeek - 1 }) : date.with({ day: 1 });
}

const ONE: Readonly<Record<DateGrain, Temporal.DurationLike>> = {
  day: { days: 1 },
  week: { weeks: 1 },
  month: { months: 1 },
};

/** The start of the first later period that begins after an instant: a zone may have skipped the next date. */
function followingMs(date: Temporal.PlainDate, grain: DateGrain, zone: TimeZone, afterMs: number): number {
  const next = date.add(ONE[grain]);
  const startMs = midnightMs(next, zone);
  return startMs > afterMs ? startMs : followingMs(next, grain, zone, afterMs);
}

/** The first instant of a date; of one that the zone skipped, the first instant after it. */
function midnightMs(date: Temporal.PlainDate, zone: TimeZone): number {
  return date.toZonedDateTime({ timeZone: zone }).epochMilliseconds;
}

/** An instant as answers give it: in UTC with `Z`, elsewhere with the offset in force then, `2026-10-25T00:00:00+02:00`. */
export function instantIn(atMs: number, zone: TimeZone): string {
  return instantsIn(zone)(atMs);
}

const WHOLE_MINUTES = /^[+-]\d\d:\d\d$/;

/** The same for many instants; fastest in the order of time. */
export function instantsIn(zone: TimeZone): (atMs: number) => string {
  if (zone === UTC) return isoSeconds;
  const steadyAt = steadyStretches(zone);
  return (atMs) => {
    const { aheadMs, offset } = steadyAt(atMs);
    const localMs = atMs + aheadMs;
    if (WHOLE_MINUTES.test(offset) && localMs <= LATEST_INSTANT_MS)
      return isoSeconds(localMs).replace('Z', offset);
    return Temporal.Instant.fromEpochMilliseconds(atMs)
      .toZonedDateTimeISO(zone)
      .toString({ timeZoneName: 'never', smallestUnit: 'second' });
  };
}

/** Whether one grain is finer than another. */
export function isFiner(grain: Grain, other: Grain): boolean {
  return GRAINS.indexOf(grain) < GRAINS.indexOf(other);
}

/** The coarser of two grains. */
export function coarser<G extends Grain>(a: G, b: G): G {
  return isFiner(a, b) ? b : a;
}
