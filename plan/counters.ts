// From the queue to the counter items: what the writers meet together, what an update costs while its item grows, the hottest item.
import { UPDATE_SEGMENTS_MAX } from '../lambdas/counting/counter-item.ts';
import type { Configuration } from '../lib/configuration.ts';
import { assumed } from './assumptions.ts';
import { INVOCATION_BYTES_MAX, QUEUE_POLLERS, STORED_ITEM_BYTES, WRITE_UNIT_BYTES } from './quotas.ts';
import { bucketNameBytes, cpuShare, type Segments } from './segments.ts';
import { chanceOf, type Rank, type Workload } from './workload.ts';

/** What passes through the writers, at one rate of events. */
export interface Counters {
  readonly messagesPerSecond: number;
  /** Messages that an invocation gets, and of how many segments' rows each counter can meet in it. */
  readonly messagesEach: number;
  readonly segmentsMet: number;
  readonly invocationsPerSecond: number;
  readonly updatesPerSecond: number;
  readonly writeUnitsPerSecond: number;
  readonly updatesEach: number;
  readonly secondsEach: number;
  /** Writers at work, on average. */
  readonly concurrency: number;
  /** New counter items, and their bytes when their bucket is over. */
  readonly itemsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly hottest: HotItem;
}

/** The counter item that is written most. */
export interface HotItem {
  readonly share: number;
  readonly updatesPerSecond: number;
  /** Its size when its bucket is over, bytes. */
  readonly bytes: number;
  /** Write units a second when its bucket is nearly over. */
  readonly writeUnitsPerSecond: number;
  /** The same if no two of its rows met in an update. */
  readonly uncoalescedWriteUnitsPerSecond: number;
}

/** One counter's item of a bucket: how likely it is there, and how it grows. */
export interface ItemGrowth {
  /** Chance that it has one. */
  readonly exists: number;
  readonly firstBytes: number;
  readonly lastBytes: number;
}

type Settings = Pick<
  Configuration,
  'bucketMinutes' | 'writerBatchSize' | 'writerWindowSeconds' | 'writerMemoryMb'
>;

/** How many updates the writer has under way at once (writer/handler.ts). */
const UPDATES_AT_ONCE = 32;

/**
 * Mean of ceil(bytes / 1 KB) while an item grows evenly from one size to the other: what an update costs on average. Each costs
 * by the item as it is after it.
 */
export function meanWriteUnits(firstBytes: number, lastBytes: number): number {
  const [from, to] = [firstBytes / WRITE_UNIT_BYTES, lastBytes / WRITE_UNIT_BYTES];
  if (to - from < 1e-6) return Math.ceil(to);
  return (sumOfCeilings(to) - sumOfCeilings(from)) / (to - from);
}

/** The integral of ceil from 0 to `x`. */
function sumOfCeilings(x: number): number {
  const whole = Math.floor(x);
  return (whole * (whole + 1)) / 2 + (x - whole) * (whole + 1);
}

/** How a counter's item of a bucket grows. @param share the counter's share of all events */
export function itemGrowth(
  w: Workload,
  s: Segments,
  bucketMinutes: number,
  share: number,
  eventsPerSecond: number,
): ItemGrowth {
  const exists = chanceOf(share, eventsPerSecond * 60 * bucketMinutes);
  if (exists === 0) return { exists, firstBytes: 0, lastBytes: 0 };
  const rows = rowsPerSecond(s, share) * 60 * bucketMinutes;
  const minutes = bucketMinutes * chanceOf(share, eventsPerSecond * 60);
  const frame = assumed('counterFrameBytes') + w.entityBytes + w.metricBytes + bucketNameBytes(bucketMinutes);
  const bytes = (segments: number, filled: number) =>
    frame + segments * assumed('segmentIdBytes') + filled * assumed('minuteBytes');
  return {
    exists,
    firstBytes: bytes(1, 1),
    lastBytes: bytes(Math.max(1, rows / exists), Math.max(1, minutes / exists)),
  };
}

const NOTHING_HOT: HotItem = {
  share: 0,
  updatesPerSecond: 0,
  bytes: 0,
  writeUnitsPerSecond: 0,
  uncoalescedWriteUnitsPerSecond: 0,
};

/** Rows a second of one counter: one a segment and bucket that it is in. */
function rowsPerSecond(s: Segments, share: number): number {
  return s.perSecond * s.buckets * chanceOf(share, s.eventsEach / s.buckets);
}

/** What passes through the writers. */
export function countersOf(
  w: Workload,
  ranks: readonly Rank[],
  s: Segments,
  c: Settings,
  eventsPerSecond: number,
): Counters {
  const messagesPerSecond = s.perSecond * s.messagesEach;
  const inEvent = s.messageBytes * assumed('sqsEscape') + assumed('sqsEnvelopeBytes');
  const messagesMax = Math.max(1, Math.min(c.writerBatchSize, Math.floor(INVOCATION_BYTES_MAX / inEvent)));
  const gathered = (messagesPerSecond * c.writerWindowSeconds) / QUEUE_POLLERS;
  // A window begins with a poller's first message, and gathers what comes after it.
  const messagesEach = Math.min(1 + gathered, messagesMax);
  const segmentsMet = messagesEach / s.messagesEach;
  const invocationsPerSecond = messagesPerSecond / messagesEach;
  let [updates, units, items, bytes] = [0, 0, 0, 0];
  let hottest: HotItem = NOTHING_HOT;
  for (const { counters, share } of ranks) {
    const growth = itemGrowth(w, s, c.bucketMinutes, share, eventsPerSecond);
    const each = updatesEach(s, segmentsMet, share) * invocationsPerSecond;
    updates += counters * each;
    units += counters * each * meanWriteUnits(growth.firstBytes, growth.lastBytes);
    const itemsEach = growth.exists / (60 * c.bucketMinutes);
    items += counters * itemsEach;
    bytes += counters * itemsEach * (growth.lastBytes + STORED_ITEM_BYTES);
    const last = Math.ceil(growth.lastBytes / WRITE_UNIT_BYTES);
    if (each * last > hottest.writeUnitsPerSecond) {
      hottest = {
        share,
        updatesPerSecond: each,
        bytes: growth.lastBytes,
        writeUnitsPerSecond: each * last,
        uncoalescedWriteUnitsPerSecond: rowsPerSecond(s, share) * last,
      };
    }
  }
  const updatesOfOne = updates / invocationsPerSecond;
  const secondsEach = invocationSeconds(updatesOfOne + messagesEach, c.writerMemoryMb);
  return {
    messagesPerSecond,
    messagesEach,
    segmentsMet,
    invocationsPerSecond,
    updatesPerSecond: updates,
    writeUnitsPerSecond: units,
    updatesEach: updatesOfOne,
    secondsEach,
    concurrency: invocationsPerSecond * secondsEach,
    itemsPerSecond: items,
    bytesPerSecond: bytes,
    hottest,
  };
}

/**
 * Updates of one counter in one invocation. Rows of different segments meet in one update, up to 50 of them; of a segment in
 * several messages only some may be there, and a counter's row is in one of them.
 */
function updatesEach(s: Segments, segmentsMet: number, share: number): number {
  const events = s.eventsEach / s.buckets;
  if (segmentsMet < 1) return s.buckets * segmentsMet * chanceOf(share, events);
  const full = (segmentsMet * chanceOf(share, events)) / UPDATE_SEGMENTS_MAX;
  return s.buckets * Math.max(full, chanceOf(share, events * segmentsMet));
}

/** How long a writer takes for so many calls, seconds: it waits for the table, or for its processor. */
function invocationSeconds(calls: number, memoryMb: number): number {
  const waiting = (calls / UPDATES_AT_ONCE) * assumed('callSeconds');
  const working = (calls * assumed('callCpuSeconds')) / cpuShare(memoryMb);
  return assumed('invocationSeconds') + assumed('callSeconds') + Math.max(waiting, working);
}
