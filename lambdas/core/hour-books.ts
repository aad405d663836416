// A shard's accounts by hour of arrival: sums over segments, kept for the last hours only.
import { rejectedEvents } from './accounts.ts';
import { addPlaces, type EmittedPlaces, emittedPlaces, type SegmentEntry } from './segment-entry.ts';
import { HOUR_MS } from './time.ts';

/** The accounts of the segments of one hour. A segment belongs to the hour of its running maximum of arrivals. */
export interface HourSums extends EmittedPlaces {
  /** When the hour starts, epoch milliseconds. */
  readonly hourMs: number;
  /** From the segments' accounts. */
  readonly received: number;
  readonly duplicate: number;
  readonly rejected: number;
  /** From the accounts too: what was emitted, and what was lost unread. The places, which come from the parts, add up to it. */
  readonly passedOn: number;
}

/** The last hours of a shard. */
export interface HourBooks {
  /** Every segment of an hour that starts here or later is in the sums; earlier hours are folded away. Epoch milliseconds. */
  readonly sinceMs: number;
  /** Ascending, at most `HOURS_KEPT`; hours without segments are left out. */
  readonly sums: readonly HourSums[];
}

/** How many hours are kept: a day, and the one before to compare it with. */
export const HOURS_KEPT = 48;

/** The hours of a shard that nobody has looked at: nothing is folded away. */
export const NO_HOURS: HourBooks = { sinceMs: 0, sums: [] };

/** The hours of a shard of which all segments up to an arrival were summed without their hours: it is known from the next hour on. */
export function hoursAfter(runMaxMs: number): HourBooks {
  return { sinceMs: hourStartMs(runMaxMs) + HOUR_MS, sums: [] };
}

/** Adds segments to their hours, and folds away what is older than `HOURS_KEPT` hours before the newest one. */
export function hoursWith(books: HourBooks, entries: readonly SegmentEntry[]): HourBooks {
  if (entries.length === 0) return books;
  const sums = new Map(books.sums.map((hour) => [hour.hourMs, hour]));
  for (const entry of entries) {
    const hourMs = hourStartMs(entry.runMaxMs);
    if (hourMs < books.sinceMs) continue;
    const hour = sumsOf(entry, hourMs);
    const others = sums.get(hourMs);
    sums.set(hourMs, others === undefined ? hour : addHours(others, hour));
  }
  const ascending = [...sums.values()].sort((a, b) => a.hourMs - b.hourMs);
  const newest = ascending.at(-1);
  if (newest === undefined) return books;
  const oldestMs = newest.hourMs - (HOURS_KEPT - 1) * HOUR_MS;
  const kept = ascending.filter(({ hourMs }) => hourMs >= oldestMs);
  const folds = kept.length < ascending.length;
  return { sinceMs: folds ? Math.max(books.sinceMs, oldestMs) : books.sinceMs, sums: kept };
}

/** Adds the sums of an hour. */
export function addHours(a: HourSums, b: HourSums): HourSums {
  return {
    hourMs: a.hourMs,
    received: a.received + b.received,
    duplicate: a.duplicate + b.duplicate,
    rejected: a.rejected + b.rejected,
    passedOn: a.passedOn + b.passedOn,
    ...addPlaces(a, b),
  };
}

/**
 * By how much an hour's accounts are wrong: 0, or the larger of two differences. What was received, against the sum of all
 * columns; and what the rollup says it passed on, against where the parts are.
 */
export function hourDifference(hour: HourSums): number {
  const { received, duplicate, rejected, passedOn, counted, inFlight, dead, parked, expired, lost } = hour;
  const places = counted + inFlight + dead + parked + expired + lost;
  const [ofReceived, ofParts] = [received - (duplicate + rejected + places), passedOn - places];
  return Math.abs(ofParts) > Math.abs(ofReceived) ? ofParts : ofReceived;
}

function sumsOf(entry: SegmentEntry, hourMs: number): HourSums {
  const { received, duplicate, emitted, lost } = entry.accounts;
  const rejected = rejectedEvents(entry.accounts);
  return { hourMs, received, duplicate, rejected, passedOn: emitted + lost, ...emittedPlaces(entry) };
}

function hourStartMs(instantMs: number): number {
  return Math.floor(instantMs / HOUR_MS) * HOUR_MS;
}
