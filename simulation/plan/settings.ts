// What a history's seed decides about the system itself: shards, configuration, sizes, retentions, clocks.
import type { CompactorSettings } from '../../lambdas/compactor/compaction.ts';
import type { RollupConfig } from '../../lambdas/counting/segment.ts';
import type { BucketMinutes } from '../../lambdas/counting/time.ts';
import type { Random } from '../random.ts';
import type { WorldLimits } from '../world/world.ts';

/** Everything about a history but its events and its faults. Times are milliseconds. */
export interface Settings {
  /** When the first record may arrive. */
  readonly startMs: number;
  /** For how long records arrive. */
  readonly trafficMs: number;
  readonly shards: number;
  readonly sequenceBase: bigint;
  readonly rollup: RollupConfig;
  /** The least dedup window that any deployment of this history has: what is promised. */
  readonly dedupWindowLeastMs: number;
  /** Whether the stream keeps records for an hour only, so that an outage may outlast it. */
  readonly shortLog: boolean;
  readonly streamRetentionMs: number;
  /** Whether dead letters come back after days and weeks. */
  readonly weeks: boolean;
  /** Whether the aggregator archives raw records. */
  readonly archiveRaw: boolean;
  readonly counterRetentionMs: number | undefined;
  readonly queueRetentionMs: number;
  readonly deadLetterRetentionMs: number;
  readonly maxReceiveCount: number;
  readonly ttlDelayMs: number;
  readonly retries: string;
  /** Most records in a batch of the aggregator, and how long the mapping gathers them. */
  readonly batchRecords: number;
  readonly batchWindowMs: number;
  /** Writers at once, messages a batch, updates at once in one writer. */
  readonly writers: number;
  readonly writerBatch: number;
  readonly writerConcurrency: number;
  /** A time-out of the writer that is not the usual one. */
  readonly writerTimeoutMs?: number;
  /** Aggregators that may be warm for one shard or another. */
  readonly idsMax: number;
  readonly redriverEveryMs: number;
  readonly accountantEveryMs: number;
  readonly compactorEveryMs: number;
  readonly compaction: Pick<
    CompactorSettings,
    | 'retentionsMs'
    | 'intervalsMs'
    | 'settleMs'
    | 'patienceMs'
    | 'concurrency'
    | 'sweepItems'
    | 'portionItems'
    | 'lookingMs'
    | 'topLists'
  >;
  /** How far a container's clock may be off, either way. */
  readonly clockSkewMs: number;
  /** How far arrival times may be off, either way: the stream's hosts have clocks, too. */
  readonly arrivalSkewMs: number;
  readonly limits: WorldLimits;
}

/** Function time-outs and the queue's visibility, as in the template. */
export const TIMEOUT_MS = {
  aggregator: 60_000,
  writer: 30_000,
  redriver: 60_000,
  accountant: 60_000,
  compactor: 60_000,
} as const;
/** How long a received rollup message is hidden. */
export const VISIBILITY_MS = 180_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Sunday, 22 November 2026, shortly before five. */
const EPOCH_MS = Date.UTC(2026, 10, 22, 4, 50);
const SEQUENCE_BASE = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n;

/** A configuration as a deployment may bring it. */
export function rollupConfig(random: Random, accept: Pick<RollupConfig, 'acceptPastMs'>): RollupConfig {
  return {
    bucketMinutes: random.pick<BucketMinutes>([60, 60, 60, 30, 15, 5, 1]),
    dedupWindowMs: random.pick([MINUTE_MS, 3 * MINUTE_MS, 10 * MINUTE_MS]),
    acceptPastMs: accept.acceptPastMs,
    acceptFutureMs: random.pick([5, 10]) * MINUTE_MS,
    partBytesMax: random.pick([200, 260, 400, 60_000]),
  };
}

/** As short as the retention rule allows. */
export const COUNTER_RETENTION_MS = 50 * DAY_MS;

/** Draws a history's settings. */
export function drawSettings(random: Random): Settings {
  const rollup = rollupConfig(random, {
    acceptPastMs: random.pick([undefined, 7 * DAY_MS, 2 * HOUR_MS]),
  });
  const weeks = random.chance(0.07);
  const shortLog = !weeks && random.chance(0.08);
  const drawn: Omit<Settings, 'compactorEveryMs' | 'compaction'> = {
    startMs: EPOCH_MS + random.between(0, 12 * MINUTE_MS),
    trafficMs: random.pick([1, 4, 12]) * MINUTE_MS,
    shards: random.pick([1, 1, 2, 3]),
    // A few below a power of ten: sequence numbers of two lengths, which no longer sort as text.
    sequenceBase: random.chance(0.2) ? 10n ** 55n - BigInt(random.between(1, 60)) : SEQUENCE_BASE,
    rollup,
    dedupWindowLeastMs: rollup.dedupWindowMs,
    shortLog,
    streamRetentionMs: shortLog ? HOUR_MS : 7 * DAY_MS,
    weeks,
    // By itself, so that the draws that follow stay what they were.
    archiveRaw: random.fork('raw').chance(0.3),
    counterRetentionMs: random.chance(weeks ? 0.8 : 0.15) ? COUNTER_RETENTION_MS : undefined,
    queueRetentionMs: 4 * DAY_MS,
    deadLetterRetentionMs: 14 * DAY_MS,
    maxReceiveCount: random.pick([20, 20, 5]),
    ttlDelayMs: random.pick([0, HOUR_MS, 48 * HOUR_MS]),
    retries: drawRetries(random),
    batchRecords: random.pick([3, 8, 20, 100]),
    batchWindowMs: random.pick([500, 5_000, 20_000]),
    writers: random.pick([1, 2, 3]),
    writerBatch: random.pick([1, 3, 10]),
    writerConcurrency: random.pick([1, 2, 8]),
    idsMax: random.pick([0, 20, 4_000_000]),
    redriverEveryMs: MINUTE_MS,
    accountantEveryMs: random.pick([1, 5]) * MINUTE_MS,
    clockSkewMs: random.pick([0, 300, 4_000]),
    arrivalSkewMs: random.pick([0, 5, 2_000]),
    limits: {
      pageRecords: random.pick([1, 2, 4, 100]),
      emptyPages: random.chance(0.5),
      idsChunkBytes: random.pick([8, 64, 320_000]),
      pageEntries: random.pick([1, 2, 200]),
      batchKeys: random.pick([1, 2, 100]),
      batchMessages: random.pick([1, 3, 10]),
      pageShards: random.pick([1, 2, 1_000]),
    },
  };
  return { ...drawn, ...drawCompaction(random, drawn.counterRetentionMs) };
}

/** Intervals far shorter than on AWS, so that small histories have many. */
function drawCompaction(
  random: Random,
  counters: number | undefined,
): Pick<Settings, 'compactorEveryMs' | 'compaction'> {
  const everyMs = random.pick([1, 3, 10]) * MINUTE_MS;
  const finite = counters !== undefined && random.chance(0.5);
  return {
    compactorEveryMs: everyMs,
    compaction: {
      retentionsMs: {
        counters,
        days: finite ? counters + 7 * DAY_MS : undefined,
        months: finite ? counters + 14 * DAY_MS : undefined,
      },
      intervalsMs: { days: everyMs, months: everyMs * random.pick([1, 2]) },
      settleMs: random.pick([0, 10_000]),
      patienceMs: random.pick([0, 30_000, 300_000]),
      concurrency: random.pick([1, 4]),
      // Far less than on AWS, so that small histories have many passes, and steps that are cut short.
      sweepItems: random.pick([1, 3, 50]),
      // By themselves, so that the draws that follow stay what they were.
      portionItems: random.fork('portion').pick([1, 2, 50]),
      lookingMs: random.fork('looking').pick([0, 50, 20_000]),
      topLists: {
        // Short lists, so that counts that fall make them uncertain.
        ...random.pick([
          { entriesMax: 2, certainMin: 1 },
          { entriesMax: 3, certainMin: 3 },
          { entriesMax: 1_000, certainMin: 100 },
        ]),
        remakeSegmentsMax: 100_000,
        remakeCountersMax: 100_000,
      },
    },
  };
}

/** A retry parameter, sometimes one that can not be used. */
export function drawRetries(random: Random): string {
  if (random.chance(0.1)) return random.pick(['', '{"attempts":0}', '{"atempts":3}', '[]']);
  return JSON.stringify({
    attempts: random.pick([1, 2, 3]),
    backoffBaseSeconds: random.pick([0, 1, 5]),
    backoffCapSeconds: random.pick([10, 300]),
    redrivePerSecond: random.pick([0.1, 50]),
    redriveDelaySeconds: random.pick([0, 60]),
    redriveRounds: random.pick([0, 1, 5]),
  });
}
