// What the compactor does: it recomputes a counter once for each page of segments in which the counter is.
import { assumed } from './assumptions.ts';
import { itemGrowth } from './counters.ts';
import type { Ledger } from './ledger.ts';
import { READ_UNIT_BYTES } from './quotas.ts';
import type { Segments } from './segments.ts';
import { chanceOf, expectedDistinct, type Rank, type Workload } from './workload.ts';

/** The compactor's work. */
export interface Levels {
  /** Days that are recomputed in an hour; months, with their totals, that are in a day. */
  readonly daysAnHour: number;
  readonly monthsADay: number;
  /** Items set in an hour, on average over a day: days, months and totals. */
  readonly itemsAnHour: number;
  /** How many it would be if a counter were recomputed once an hour and once a day. */
  readonly leastItemsAnHour: number;
  readonly writeUnitsPerSecond: number;
  readonly readUnitsPerSecond: number;
  /** Items of days that come into being in a day, and of months and totals in a month. */
  readonly storedDaysADay: number;
}

const HOUR_SECONDS = 3_600;
const HOURS = 24;
/** Most entries of one page, a shard (compactor/take-page.ts). */
const PAGE_ENTRIES_MAX = 1_000;

/** How many segments of a shard are in one page, if there are as many. @param touchedEach counters and hours that each touches */
export function segmentsInPage(touchedEach: number, shards: number): number {
  const hoursMax = Math.ceil(assumed('compactorPage') / shards);
  return Math.min(PAGE_ENTRIES_MAX, Math.max(1, Math.ceil(hoursMax / touchedEach)));
}

/**
 * The compactor's work at a rate of events. A page takes whole segments of every shard until about 50,000 touched hours are
 * together, at least one segment a shard; within a page a counter is recomputed once.
 */
export function levelsOf(
  w: Workload,
  ranks: readonly Rank[],
  s: Segments,
  ledger: Ledger,
  c: { readonly bucketMinutes: number; readonly streamShards: number },
  eventsPerSecond: number,
): Levels {
  const segmentsAnHour = (s.perSecond * HOUR_SECONDS) / c.streamShards;
  const inPage = segmentsInPage(s.touchedEach, c.streamShards);
  const [ofHour, ofDay] = [Math.min(segmentsAnHour, inPage), Math.min(segmentsAnHour * HOURS, inPage)];
  const pagesAnHour = segmentsAnHour / ofHour;
  const pagesADay = (segmentsAnHour * HOURS) / ofDay;
  const eventsAnHour = eventsPerSecond * HOUR_SECONDS;
  let [daysAnHour, hourReads] = [0, 0];
  for (const { counters, share } of ranks) {
    const recomputed = counters * pagesAnHour * chanceOf(share, eventsAnHour / pagesAnHour);
    const { exists, lastBytes } = itemGrowth(w, s, c.bucketMinutes, share, eventsPerSecond);
    const inHour = chanceOf(share, eventsAnHour);
    const bytes = inHour === 0 ? 0 : (lastBytes * exists * (60 / c.bucketMinutes)) / inHour;
    daysAnHour += recomputed;
    // The day's item, and a query of the hour's items, rounded up.
    hourReads += recomputed * (1 + Math.max(1, bytes / READ_UNIT_BYTES + 0.5));
  }
  const eventsADay = eventsAnHour * HOURS;
  const monthsADay = pagesADay * expectedDistinct(ranks, eventsADay / pagesADay);
  const listReads =
    (2 * s.perSecond * (ledger.segment.entryBytes + ledger.segment.keysBytes)) / READ_UNIT_BYTES;
  const itemsAnHour = daysAnHour + (MONTH_ITEMS * monthsADay) / HOURS;
  const hourDistinct = expectedDistinct(ranks, eventsAnHour);
  const dayDistinct = expectedDistinct(ranks, eventsADay);
  return {
    daysAnHour,
    monthsADay,
    itemsAnHour,
    leastItemsAnHour: hourDistinct + (MONTH_ITEMS * dayDistinct) / HOURS,
    writeUnitsPerSecond: (itemsAnHour * assumed('levelUnits')) / HOUR_SECONDS,
    readUnitsPerSecond:
      (hourReads + (MONTH_READS * monthsADay) / HOURS) / HOUR_SECONDS + s.perSecond + listReads,
    storedDaysADay: dayDistinct,
  };
}

/** A month is set, and its total. */
const MONTH_ITEMS = 2;
/** The month, the day that was touched; the total, and the month again. */
const MONTH_READS = 4;
