// A stage under an entity that gets a large part of all events: what is true to the plan about it, and what is thinned out.
import type { BucketMinutes } from '../../lambdas/counting/time.ts';
import type { Settings } from '../plan/settings.ts';

/** What the plan says about a stage and its load, as far as it makes a difference to the hot entity. */
export interface HotStage {
  readonly shards: number;
  readonly bucketMinutes: BucketMinutes;
  /** Seconds between two segments of a shard at the mean rate. They get denser with the rate: a batch is full at 6 MB. */
  readonly secondsApart: number;
  readonly messagesPerSegment: number;
  /** Events of the hot entity in a segment. */
  readonly hotEvents: number;
  /** Most messages in a batch of the writer: its batch size, or 6 MB. */
  readonly messagesEach: number;
  readonly writerWindowSeconds: number;
  readonly writers: number;
  readonly writerTimeoutSeconds: number;
  readonly visibilitySeconds: number;
  /** What a segment, and a full batch of the writer, take in the busiest minute. */
  readonly segmentSeconds: number;
  readonly batchSeconds: number;
  /** A segment id in a counter item: longer than here, as shards have come further. */
  readonly segmentIdBytes: number;
  /** How old an event may be when it can be read, says the plan. */
  readonly freshnessSeconds: number;
}

/** A stretch of time at one rate. */
export interface Phase {
  readonly minutes: number;
  /** Times the mean rate. */
  readonly factor: number;
}

/** What is tried. */
export interface HotEntityCase {
  readonly stage: HotStage;
  /** Most messages in a batch of the writer where they are fewer than the plan expects: less is coalesced. */
  readonly messagesMax?: number;
  /** One rate after the other. */
  readonly phases: readonly Phase[];
  /** Changes the chances of a run; one seed always gives the same. */
  readonly seed: number;
}

export const HOT = '/the/page/that/all/open';
export const METRIC = 'pageview';

/** Records of a segment: each has an event of the hot entity and of the same others, at another time. */
export const RECORDS_PER_SEGMENT = 4;

/**
 * Other entities in a segment: two of each message, less the hot one. They stand for some two thousand, and take the
 * writer as long.
 */
export function othersPerSegment({ messagesPerSegment }: HotStage): number {
  return 2 * messagesPerSegment - 1;
}

/** As long as the hot entity's name, so that two rows fill a message. */
export function otherEntity(segment: number, place: number): string {
  return `/${String(segment).padStart(HOT.length - 3, '0')}/${place}`;
}

/** What an update takes anyway in the simulation, on average. */
const LATENCY_MS = 13;

/** How long each of the thinned updates takes besides, so that a full batch takes what the plan says. Milliseconds. */
export function otherUpdateMs(stage: HotStage): number {
  const updates = (stage.messagesEach / stage.messagesPerSegment) * othersPerSegment(stage);
  return Math.max(0, (stage.batchSeconds * 1000) / updates - LATENCY_MS);
}

/** When the first event arrives: a bucket starts. */
export const START_MS = Date.UTC(2026, 10, 22, 5);

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Two rows: less than three, more than two with longer minutes. */
const PART_BYTES = 128 + 2 * 90;

/** A history's settings for a stage. */
export function settingsOf({ stage, phases, messagesMax }: HotEntityCase): Settings {
  return {
    startMs: START_MS,
    trafficMs: phases.reduce((sum, { minutes }) => sum + minutes * MINUTE_MS, 0),
    shards: stage.shards,
    sequenceBase: 10n ** 55n,
    rollup: {
      bucketMinutes: stage.bucketMinutes,
      // No event comes twice: a long window would only be read, and read again.
      dedupWindowMs: MINUTE_MS,
      acceptPastMs: undefined,
      acceptFutureMs: 10 * MINUTE_MS,
      partBytesMax: PART_BYTES,
    },
    dedupWindowLeastMs: MINUTE_MS,
    ...{ shortLog: false, weeks: false, archiveRaw: false, counterRetentionMs: undefined, ttlDelayMs: 0 },
    streamRetentionMs: 7 * DAY_MS,
    queueRetentionMs: 4 * DAY_MS,
    deadLetterRetentionMs: 14 * DAY_MS,
    maxReceiveCount: 20,
    retries: '{}',
    batchRecords: RECORDS_PER_SEGMENT,
    batchWindowMs: 0,
    writers: stage.writers,
    writerBatch: messagesMax ?? stage.messagesEach,
    // One after the other: each takes as long as all that it stands for.
    writerConcurrency: 1,
    writerTimeoutMs: stage.writerTimeoutSeconds * 1000,
    idsMax: 4_000_000,
    ...{ redriverEveryMs: MINUTE_MS, accountantEveryMs: MINUTE_MS, compactorEveryMs: DAY_MS },
    compaction: {
      retentionsMs: { counters: undefined, days: undefined, months: undefined },
      ...{
        intervalsMs: { days: DAY_MS, months: DAY_MS },
        settleMs: 0,
        patienceMs: 0,
        concurrency: 4,
        sweepItems: 300_000,
        portionItems: 10_000,
        lookingMs: 100_000,
      },
      topLists: { entriesMax: 3, certainMin: 2, remakeSegmentsMax: 1_000, remakeCountersMax: 1_000 },
    },
    ...{ clockSkewMs: 0, arrivalSkewMs: 0 },
    pages: { records: 100, empties: false },
    ledger: { chunkBytes: 320_000, pageEntries: 200 },
  };
}
