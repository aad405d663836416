// The calendar of answers: minutes, hours, days and months, in a time zone, exact over changes of the clock.
import { Temporal } from 'temporal-polyfill';
import {
  DAY_MS,
  dayStartMs,
  HOUR_MS,
  hourStartMs,
  isoSeconds,
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
  if (!isOfUtc(grain, zone)) return followingMs(firstDate(grain, atMs, zone), grain, zone, atMs).startMs;
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
  let date = firstDate(grain, range.startMs, zone);
  let startMs = midnightMs(date, zone);
  while (startMs < range.endMs) {
    const next = followingMs(date, grain, zone, startMs);
    yield { startMs, endMs: next.startMs };
    ({ date, startMs } = next);
  }
}

/** The date, or the first date of the month, that an instant has in a zone. */
function firstDate(grain: TimedGrain, atMs: number, zone: TimeZone): Temporal.PlainDate {
  const date = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone).toPlainDate();
  return grain === 'day' ? date : date.with({ day: 1 });
}

/** The first later date, or first of a month, that begins after an instant: a zone may have skipped the next one. */
function followingMs(
  date: Temporal.PlainDate,
  grain: TimedGrain,
  zone: TimeZone,
  afterMs: number,
): { readonly date: Temporal.PlainDate; readonly startMs: number } {
  const next = date.add(grain === 'day' ? { days: 1 } : { months: 1 });
  const startMs = midnightMs(next, zone);
  return startMs > afterMs ? { date: next, startMs } : followingMs(next, grain, zone, afterMs);
}

/** The first instant of a date; of one that the zone skipped, the first instant after it. */
function midnightMs(date: Temporal.PlainDate, zone: TimeZone): number {
  return date.toZonedDateTime({ timeZone: zone }).epochMilliseconds;
}

/** An instant as answers give it: in UTC with `Z`, elsewhere with the offset in force then, `2026-10-25T00:00:00+02:00`. */
export function instantIn(atMs: number, zone: TimeZone): string {
  if (zone === UTC) return isoSeconds(atMs);
  return Temporal.Instant.fromEpochMilliseconds(atMs)
    .toZonedDateTimeISO(zone)
    .toString({ timeZoneName: 'never', smallestUnit: 'second' });
}

/** Whether one grain is finer than another. */
export function isFiner(grain: Grain, other: Grain): boolean {
  return GRAINS.indexOf(grain) < GRAINS.indexOf(other);
}

/** The coarser of two grains. */
export function coarser<G extends Grain>(a: G, b: G): G {
  return isFiner(a, b) ? b : a;
}
