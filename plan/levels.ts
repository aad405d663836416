// What the compactor does: once an interval it looks at what all segments touched, and recomputes each counter once.
import { assumed } from './assumptions.ts';
import { itemGrowth } from './counters.ts';
import type { Ledger } from './ledger.ts';
import { READ_UNIT_BYTES } from './quotas.ts';
import { cpuShare, type Segments } from './segments.ts';
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
  /** How often the segments of an hour are looked at for the days, those of a day for the months: more often where counters do not fit into memory. */
  readonly passesAnHour: number;
  readonly passesADay: number;
  /** What the compactor works in an hour, on average over a day: it has runs for less than that. */
  readonly secondsAnHour: number;
  readonly writeUnitsPerSecond: number;
  readonly readUnitsPerSecond: number;
  /** Items of days that come into being in a day, and of months and totals in a month. */
  readonly storedDaysADay: number;
}

const HOUR_SECONDS = 3_600;
const HOURS = 24;
/** What a sweep gathers beyond what it keeps before it drops anything (counting/sweep.ts). */
const OVERFULL = 1.25;

/** How often the same segments are looked at, at the most, when they touch so many different items of a level. */
export function passesOf(items: number, sweepItems = assumed('compactorSweepItems')): number {
  return items <= OVERFULL * sweepItems ? 1 : Math.ceil(items / sweepItems);
}

/** One interval of a level. */
interface Interval {
  /** Steps in which its segments are taken: one, unless a run has no time to look at them all. */
  readonly steps: number;
  /** How often each segment is looked at. */
  readonly passes: number;
  /** Seconds of the compactor for looking. */
  readonly lookingSeconds: number;
}

/** An interval in which so many events come. @param lookSeconds what it takes to look at all that they touch, once */
function intervalOf(ranks: readonly Rank[], events: number, lookSeconds: number): Interval {
  const steps = Math.max(1, Math.ceil(lookSeconds / assumed('compactorLookingSeconds')));
  const passes = passesOf(expectedDistinct(ranks, events / steps));
  return { steps, passes, lookingSeconds: lookSeconds * passes };
}

/** The compactor's work at a rate of events: once an hour what an hour touched, once a day what a day did. */
export function levelsOf(
  w: Workload,
  ranks: readonly Rank[],
  s: Segments,
  ledger: Ledger,
  c: { readonly bucketMinutes: number; readonly compactorMemoryMb: number },
  eventsPerSecond: number,
): Levels {
  const processor = cpuShare(c.compactorMemoryMb);
  const eventsAnHour = eventsPerSecond * HOUR_SECONDS;
  const eventsADay = eventsAnHour * HOURS;
  const lookSeconds =
    (s.perSecond * HOUR_SECONDS * s.touchedEach * assumed('compactorLookCpuSeconds')) / processor;
  const hour = intervalOf(ranks, eventsAnHour, lookSeconds);
  const day = intervalOf(ranks, eventsADay, lookSeconds * HOURS);
  let [daysAnHour, hourReads] = [0, 0];
  for (const { counters, share } of ranks) {
    const recomputed = counters * hour.steps * chanceOf(share, eventsAnHour / hour.steps);
    const { exists, lastBytes } = itemGrowth(w, s, c.bucketMinutes, share, eventsPerSecond);
    const inHour = chanceOf(share, eventsAnHour);
    const bytes = inHour === 0 ? 0 : (lastBytes * exists * (60 / c.bucketMinutes)) / inHour;
    daysAnHour += recomputed;
    // The day's item, and a query of the hour's items, rounded up.
    hourReads += recomputed * (1 + Math.max(1, bytes / READ_UNIT_BYTES + 0.5));
  }
  const monthsADay = day.steps * expectedDistinct(ranks, eventsADay / day.steps);
  // Entry and list of a segment, rounded up.
  const listReads = (ledger.segment.entryBytes + ledger.segment.keysBytes) / READ_UNIT_BYTES + 0.5;
  const itemsAnHour = daysAnHour + (MONTH_ITEMS * monthsADay) / HOURS;
  const dayDistinct = expectedDistinct(ranks, eventsADay);
  return {
    daysAnHour,
    monthsADay,
    itemsAnHour,
    leastItemsAnHour: expectedDistinct(ranks, eventsAnHour) + (MONTH_ITEMS * dayDistinct) / HOURS,
    passesAnHour: hour.passes,
    passesADay: day.passes,
    secondsAnHour:
      hour.lookingSeconds +
      day.lookingSeconds / HOURS +
      (itemsAnHour * assumed('compactorItemCpuSeconds')) / processor,
    writeUnitsPerSecond: (itemsAnHour * assumed('levelUnits')) / HOUR_SECONDS,
    readUnitsPerSecond:
      (hourReads + (MONTH_READS * monthsADay) / HOURS) / HOUR_SECONDS +
      s.perSecond * (hour.passes + day.passes) * listReads,
    storedDaysADay: dayDistinct,
  };
}

/** A month is set, and its total. */
const MONTH_ITEMS = 2;
/** The month, the day that was touched; the total, and the month again. */
const MONTH_READS = 4;
