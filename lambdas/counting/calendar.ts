// The calendar of an answer: its minutes, hours, days and months, in a time zone, exact over changes of the clock.
import { Temporal } from 'temporal-polyfill';
import { HOUR_MS, MINUTE_MS } from './time.ts';

/** The periods an answer can be cut into. Hours are hours of UTC; days and months are those of a time zone. */
export type Grain = 'minute' | 'hour' | 'day' | 'month';

/** A stretch of time, epoch milliseconds, `startMs <= t < endMs`. */
export interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

/** A time zone's name in the IANA database, such as `Europe/Berlin`; `UTC` is one. */
export type TimeZone = string & { readonly timeZone: unique symbol };

/** Coordinated universal time, whose days are those of the level items. */
export const UTC = 'UTC' as TimeZone;

/**
 * Reads a time zone's name. Offsets such as `+02:00` are none: they know nothing of daylight saving, so that days cut by
 * them would be wrong for half of the year without anybody noticing.
 * @returns undefined when the database has no such zone
 */
export function parseTimeZone(name: string): TimeZone | undefined {
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId as TimeZone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const FIXED_MS: Partial<Record<Grain, number>> = { minute: MINUTE_MS, hour: HOUR_MS };

/**
 * The periods that a range touches, in order and without holes; the first may begin before it, the last end after it.
 * A day has 23 to 25 hours where clocks change, and one that a zone skipped (Apia's 30 December 2011) is not there.
 * @param range epoch milliseconds; empty ranges touch nothing
 */
export function* periodsOf(range: Period, grain: Grain, zone: TimeZone): Generator<Period> {
  const fixedMs = FIXED_MS[grain];
  if (fixedMs !== undefined) {
    const firstMs = range.startMs - (range.startMs % fixedMs);
    for (let startMs = firstMs; startMs < range.endMs; startMs += fixedMs) {
      yield { startMs, endMs: startMs + fixedMs };
    }
    return;
  }
  const first = Temporal.Instant.fromEpochMilliseconds(range.startMs).toZonedDateTimeISO(zone).toPlainDate();
  let date = grain === 'day' ? first : first.with({ day: 1 });
  let startMs = midnightMs(date, zone);
  while (startMs < range.endMs) {
    date = date.add(grain === 'day' ? { days: 1 } : { months: 1 });
    const endMs = midnightMs(date, zone);
    if (endMs > startMs) yield { startMs, endMs };
    startMs = endMs;
  }
}

/** The first instant of a date; of one that the zone skipped, the first instant after it. */
function midnightMs(date: Temporal.PlainDate, zone: TimeZone): number {
  return date.toZonedDateTime({ timeZone: zone }).epochMilliseconds;
}

/** How many periods a range touches at most, without listing them. */
export function periodsMax({ startMs, endMs }: Period, grain: Grain): number {
  const shortestMs: Record<Grain, number> = {
    minute: MINUTE_MS,
    hour: HOUR_MS,
    day: 20 * HOUR_MS,
    month: 27 * 24 * HOUR_MS,
  };
  return Math.ceil((endMs - startMs) / shortestMs[grain]) + 1;
}

/** A period's start as the answer gives it: in UTC with `Z`, elsewhere with the offset in force then, `2026-10-25T00:00:00+02:00`. */
export function instantIn(atMs: number, zone: TimeZone): string {
  if (zone === UTC) return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
  return Temporal.Instant.fromEpochMilliseconds(atMs)
    .toZonedDateTimeISO(zone)
    .toString({ timeZoneName: 'never', smallestUnit: 'second' });
}
