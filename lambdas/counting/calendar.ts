// The calendar of answers: minutes, hours, days and months, in a time zone, exact over changes of the clock.
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
} from './time.ts';

/** The grains of an answer, finest first. */
export const GRAINS = ['minute', 'hour', 'day', 'month', 'total'] as const;
export type Grain = (typeof GRAINS)[number];
/** Grains whose points have a time. Minutes and hours are those of UTC; days and months those of a time zone. */
export type TimedGrain = Exclude<Grain, 'total'>;

/** A stretch of time, epoch milliseconds, `startMs <= t < endMs`. */
export interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

/** A time zone's name in the IANA database, such as `Europe/Berlin`; `UTC` is one. */
export type TimeZone = string & { readonly timeZone: unique symbol };

/** Coordinated universal time, whose days and months are those of the level items. */
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

const UTC_STARTS: Readonly<Record<TimedGrain, (atMs: number) => number>> = {
  minute: (atMs) => Math.floor(atMs / MINUTE_MS) * MINUTE_MS,
  hour: hourStartMs,
  day: dayStartMs,
  month: monthStartMs,
};
const UTC_LENGTHS_MS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** Whether periods of a grain are those of UTC in a zone. */
function isOfUtc(grain: TimedGrain, zone: TimeZone): boolean {
  return zone === UTC || grain === 'minute' || grain === 'hour';
}

/** The start of the minute, hour, day or month that holds an instant, epoch milliseconds. */
export function periodStartMs(grain: TimedGrain, atMs: number, zone = UTC): number {
  if (isOfUtc(grain, zone)) return UTC_STARTS[grain](atMs);
  return midnightMs(firstDate(grain, atMs, zone), zone);
}

/** The start of the next one. */
export function nextPeriodMs(grain: TimedGrain, atMs: number, zone = UTC): number {
  if (!isOfUtc(grain, zone)) return followingMs(firstDate(grain, atMs, zone), grain, zone, atMs);
  return grain === 'month' ? nextMonthMs(atMs) : UTC_STARTS[grain](atMs) + UTC_LENGTHS_MS[grain];
}

/** The first start of a minute, hour, day or month that is not before an instant. */
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
  if (isOfUtc(grain, zone)) {
    for (let startMs = periodStartMs(grain, range.startMs); startMs < range.endMs; ) {
      const endMs = nextPeriodMs(grain, startMs);
      yield { startMs, endMs };
      startMs = endMs;
    }
    return;
  }
  const steadyAt = steadyStretches(zone);
  for (let startMs = periodStartMs(grain, range.startMs, zone); startMs < range.endMs; ) {
    const endMs =
      (grain === 'day' && steadyDayEndMs(startMs, steadyAt)) || nextPeriodMs(grain, startMs, zone);
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

/** When a day ends that begins at midnight; undefined: clocks change before it ends or just then, or it begins otherwise. */
function steadyDayEndMs(startMs: number, steadyAt: (atMs: number) => Steady): number | undefined {
  const { untilMs, aheadMs } = steadyAt(startMs);
  const endMs = startMs + DAY_MS;
  return (startMs + aheadMs) % DAY_MS === 0 && endMs < untilMs ? endMs : undefined;
}

/** The date, or the first date of the month, that an instant has in a zone. */
function firstDate(grain: TimedGrain, atMs: number, zone: TimeZone): Temporal.PlainDate {
  const date = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone).toPlainDate();
  return grain === 'day' ? date : date.with({ day: 1 });
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

/** The start of the first later date, or first of a month, that begins after an instant: a zone may have skipped the next one. */
function followingMs(date: Temporal.PlainDate, grain: TimedGrain, zone: TimeZone, afterMs: number): number {
  const next = date.add(grain === 'day' ? { days: 1 } : { months: 1 });
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
