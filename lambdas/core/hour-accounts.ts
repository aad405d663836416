// A shard's accounts by hour of arrival: totals over segments, kept for the last hours only.
import { rejectedEvents } from './accounts.ts';
import { addPlaces, type EmittedPlaces, emittedPlaces, type SegmentEntry } from './segment-entry.ts';
import { HOUR_MS, hourStartMs } from './time.ts';

/** The accounts of the segments of one hour. A segment belongs to the hour of its running maximum of arrivals. */
export interface HourAccounts extends EmittedPlaces {
  /** When the hour starts, epoch milliseconds. */
  readonly hourMs: number;
  readonly received: number;
  readonly duplicate: number;
  readonly rejected: number;
  /** Events emitted, and events lost unread, from the accounts. The places, computed from the parts, must add up to it. */
  readonly passedOn: number;
}

export interface RecentHours {
  /** Every segment of an hour that starts here or later is included; earlier hours are dropped. Epoch milliseconds. */
  readonly sinceMs: number;
  /** Ascending, at most `HOURS_KEPT`; hours without segments are omitted. */
  readonly accounts: readonly HourAccounts[];
}

/** How many hours are kept: a day, and the day before for comparison. */
export const HOURS_KEPT = 48;

/** The hours of a shard that was never summed: none is dropped. */
export const NO_HOURS: RecentHours = { sinceMs: 0, accounts: [] };

/** The hours of a shard whose segments up to an arrival were summed without hours: complete from the next hour on. */
export function hoursAfter(runMaxMs: number): RecentHours {
  return { sinceMs: hourStartMs(runMaxMs) + HOUR_MS, accounts: [] };
}

/** Adds segments to their hours, and drops hours more than `HOURS_KEPT` before the newest. */
export function hoursWith(known: RecentHours, entries: readonly SegmentEntry[]): RecentHours {
  if (entries.length === 0) return known;
  const byHour = new Map(known.accounts.map((hour) => [hour.hourMs, hour]));
  for (const entry of entries) {
    const hourMs = hourStartMs(entry.runMaxMs);
    if (hourMs < known.sinceMs) continue;
    const hour = accountsOf(entry, hourMs);
    const others = byHour.get(hourMs);
    byHour.set(hourMs, others === undefined ? hour : addHours(others, hour));
  }
  const ascending = [...byHour.values()].sort((a, b) => a.hourMs - b.hourMs);
  const newest = ascending.at(-1);
  if (newest === undefined) return known;
  const oldestMs = newest.hourMs - (HOURS_KEPT - 1) * HOUR_MS;
  const kept = ascending.filter(({ hourMs }) => hourMs >= oldestMs);
  const isDropping = kept.length < ascending.length;
  return { sinceMs: isDropping ? Math.max(known.sinceMs, oldestMs) : known.sinceMs, accounts: kept };
}

export function addHours(a: HourAccounts, b: HourAccounts): HourAccounts {
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
 * How far an hour's accounts are off: the larger of two differences, or 0. Received events against the sum of all columns;
 * and events that the rollup says it passed on against the places of the parts.
 */
export function hourDifference(hour: HourAccounts): number {
  const { received, duplicate, rejected, passedOn, counted, inFlight, dead, parked, expired, lost } = hour;
  const places = counted + inFlight + dead + parked + expired + lost;
  const [ofReceived, ofParts] = [received - (duplicate + rejected + places), passedOn - places];
  return Math.abs(ofParts) > Math.abs(ofReceived) ? ofParts : ofReceived;
}

function accountsOf(entry: SegmentEntry, hourMs: number): HourAccounts {
  const { received, duplicate, emitted, lost } = entry.accounts;
  const rejected = rejectedEvents(entry.accounts);
  return { hourMs, received, duplicate, rejected, passedOn: emitted + lost, ...emittedPlaces(entry) };
}
