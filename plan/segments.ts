// From the stream to the queue: how often a shard's batches come, what a segment holds, and what the aggregator does about it.
import { CACHED_IDS_MAX } from '../lambdas/aggregator/windows.ts';
import { ID_BYTES } from '../lambdas/counting/seen-ids.ts';
import { SEGMENT_EVENTS_MAX } from '../lambdas/counting/segment.ts';
import type { Configuration } from '../lib/configuration.ts';
import { AGGREGATOR_BATCH_RECORDS } from '../lib/configuration-rules.ts';
import { assumed } from './assumptions.ts';
import { INVOCATION_BYTES_MAX, QUOTAS, READ_UNIT_BYTES, SQS_BATCH_MESSAGES, WHOLE_CPU_MB } from './quotas.ts';
import { expectedDistinct, type Rank, type Workload } from './workload.ts';

/** What passes through the aggregators, at one rate of events. Rates are of all shards together. */
export interface Segments {
  readonly perSecond: number;
  /** Seconds between two segments of a shard. */
  readonly secondsApart: number;
  readonly eventsEach: number;
  /** In how many buckets a segment's events lie, on average: 1, and more where it crosses the end of a bucket. */
  readonly buckets: number;
  readonly rowsEach: number;
  /** Counters and hours that a segment touches. */
  readonly touchedEach: number;
  readonly messagesEach: number;
  /** Mean size of a rollup message. */
  readonly messageBytes: number;
  /** How long an event waits at most until its batch is handed over, seconds. */
  readonly gatherSeconds: number;
  readonly batchesPerSecond: number;
  /** Time that a batch takes, seconds. */
  readonly secondsEach: number;
  /** Aggregators at work, on average. */
  readonly concurrency: number;
  /** Share of a shard's time in which its batch is at work. */
  readonly busy: number;
  /** Read units a batch takes to bring its container's dedup window up. */
  readonly windowReadUnitsEach: number;
  /** Share of the dedup windows that a container can hold. */
  readonly windowsHeld: number;
  /** Read units of the largest load: a shard's whole window. */
  readonly wholeWindowReadUnits: number;
}

/** The bytes of a record: an event, or an array of them. */
export function recordBytes({ eventsPerRecord, eventBytes }: Workload): number {
  return eventsPerRecord === 1 ? eventBytes : eventsPerRecord * (eventBytes + 1) + 1;
}

/** How many shards the busiest minute needs, by records and by bytes. */
export function shardsNeeded(w: Workload): number {
  const records = (w.eventsPerSecond * w.peakFactor) / w.eventsPerRecord;
  const bytes = records * (recordBytes(w) + assumed('partitionKeyBytes'));
  const shards = Math.max(records / QUOTAS.shardRecords.limit, bytes / QUOTAS.shardBytes.limit);
  return Math.max(1, Math.ceil(shards / assumed('shardFill')));
}

/** Share of a whole processor that a function of so much memory has. Its code runs on one. */
export function cpuShare(memoryMb: number): number {
  return Math.min(1, memoryMb / WHOLE_CPU_MB);
}

/** A row of a rollup message, with its comma, bytes. */
export function rowBytes({ entityBytes, metricBytes }: Workload, bucketMinutes: number): number {
  return assumed('rowFrameBytes') + bucketNameBytes(bucketMinutes) + metricBytes + entityBytes;
}

/** `2026-11-22T05`, or `2026-11-22T05:15`. */
export function bucketNameBytes(bucketMinutes: number): number {
  return bucketMinutes === 60 ? 13 : 16;
}

type Settings = Pick<
  Configuration,
  'streamShards' | 'aggregatorWindowSeconds' | 'aggregatorMemoryMb' | 'bucketMinutes' | 'dedupWindowSeconds'
>;

/** The canary sends a record a minute onto every shard: no shard is idle for longer. */
const CANARY_RECORDS_PER_SECOND = 1 / 60;

/** What passes through the aggregators at so many events a second. */
export function segmentsOf(
  w: Workload,
  ranks: readonly Rank[],
  c: Settings,
  eventsPerSecond: number,
): Segments {
  const events = eventsPerSecond / c.streamShards + CANARY_RECORDS_PER_SECOND;
  const records = eventsPerSecond / w.eventsPerRecord / c.streamShards + CANARY_RECORDS_PER_SECOND;
  const payload = Math.ceil(recordBytes(w) / 3) * 4 + assumed('kinesisEnvelopeBytes');
  const recordsMax = Math.max(
    1,
    Math.min(AGGREGATOR_BATCH_RECORDS, Math.floor(INVOCATION_BYTES_MAX / payload)),
  );
  // The window begins with a batch's first record, and Lambda looks once a second.
  const windowSeconds = Math.max(assumed('pollSeconds'), c.aggregatorWindowSeconds);
  const gatherSeconds = Math.min(windowSeconds + 1 / records, recordsMax / records);
  const first = batchOf(w, ranks, c, events, gatherSeconds, undefined);
  const containers = containersFor(first.secondsEach / gatherSeconds, c.streamShards);
  const load = windowLoad(first, eventsPerSecond, containers, c.dedupWindowSeconds);
  // While a batch is at work, the next one gathers.
  const secondsBetween = Math.max(
    gatherSeconds,
    batchOf(w, ranks, c, events, gatherSeconds, load).secondsEach,
  );
  const batch = batchOf(w, ranks, c, events, secondsBetween, load);
  const batchesPerSecond = c.streamShards / secondsBetween;
  const busy = batch.secondsEach / secondsBetween;
  const { segments, ...each } = batch;
  return {
    ...each,
    ...load,
    perSecond: batchesPerSecond * segments,
    secondsApart: secondsBetween / segments,
    gatherSeconds: Math.min(windowSeconds, secondsBetween),
    batchesPerSecond,
    concurrency: c.streamShards * busy,
    busy,
  };
}

interface Load {
  readonly windowReadUnitsEach: number;
  readonly windowsHeld: number;
  readonly wholeWindowReadUnits: number;
}

function batchOf(
  w: Workload,
  ranks: readonly Rank[],
  c: Settings,
  eventsPerSecond: number,
  secondsBetween: number,
  load: Load | undefined,
) {
  const batchEvents = eventsPerSecond * secondsBetween;
  const segments = Math.max(1, batchEvents / SEGMENT_EVENTS_MAX);
  const eventsEach = batchEvents / segments;
  const secondsApart = secondsBetween / segments;
  const buckets = 1 + secondsApart / (60 * c.bucketMinutes);
  const rowsEach = buckets * expectedDistinct(ranks, eventsEach / buckets);
  const bytes = rowsEach * rowBytes(w, c.bucketMinutes);
  const messagesEach = Math.max(1, Math.ceil(bytes / assumed('partBytes')));
  // HEAD, plan, IDS, KEYS, SEG, sent; and four sends at once.
  const waiting =
    6 * assumed('callSeconds') + Math.ceil(messagesEach / SQS_BATCH_MESSAGES / 4) * assumed('sendSeconds');
  const loadedIds = ((load?.windowReadUnitsEach ?? 0) * READ_UNIT_BYTES) / ID_BYTES;
  const cpu = batchEvents * assumed('eventCpuSeconds') + loadedIds * assumed('idCpuSeconds');
  const loading =
    (load?.windowReadUnitsEach ?? 0) === 0
      ? 0
      : assumed('callSeconds') + (load?.windowReadUnitsEach ?? 0) / QUOTAS.partitionReadUnits.limit;
  return {
    segments,
    eventsEach,
    secondsApart,
    buckets,
    rowsEach,
    touchedEach: expectedDistinct(ranks, eventsEach),
    messagesEach,
    messageBytes: bytes / messagesEach + FRAME_BYTES,
    secondsEach:
      assumed('invocationSeconds') + segments * waiting + loading + cpu / cpuShare(c.aggregatorMemoryMb),
  };
}

/** A rollup message without its rows. */
const FRAME_BYTES = 70;

/** Containers that Lambda keeps for so much work at once: as many as met at the busiest moment of some minutes. */
function containersFor(concurrency: number, shards: number): number {
  const atOnce = concurrency * shards;
  return Math.min(shards, Math.ceil(atOnce + 3 * Math.sqrt(atOnce)));
}

/**
 * What a batch reads of its dedup window. Nothing ties a shard to a container, so a container meets each shard in turn and
 * reads the segments that others made meanwhile; where it can not hold all shards' windows, it reads whole ones.
 */
function windowLoad(
  { eventsEach, secondsApart }: Pick<Segments, 'eventsEach' | 'secondsApart'>,
  eventsPerSecond: number,
  containers: number,
  dedupWindowSeconds: number,
): Load {
  const segments = Math.ceil(dedupWindowSeconds / secondsApart);
  const unitsEach =
    Math.ceil((eventsEach * ID_BYTES) / READ_UNIT_BYTES) + assumed('entryBytes') / READ_UNIT_BYTES;
  const windowsHeld = Math.min(1, CACHED_IDS_MAX / (eventsPerSecond * dedupWindowSeconds));
  const missed = Math.min(segments, containers - 1);
  const whole = segments * unitsEach;
  return {
    windowsHeld,
    wholeWindowReadUnits: whole,
    windowReadUnitsEach: windowsHeld * missed * unitsEach + (1 - windowsHeld) * whole,
  };
}
