// What a history's seed decides about the system itself: shards, configuration, sizes, retentions, clocks.
import type { CompactorSettings } from '../../../lambdas/compactor/ports.ts';
import type { RollupConfig } from '../../../lambdas/core/segment.ts';
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
  /** Most bytes of deltas in one message. */
  readonly messageBytesMax: number;
  /** The least dedup window that any deployment of this history has: what is promised. */
  readonly dedupWindowLeastMs: number;
  /** Whether the stream keeps records for an hour only, so that an outage may outlast it. */
  readonly shortLog: boolean;
  readonly streamRetentionMs: number;
  /** Whether dead letters come back after days and weeks. */
  readonly weeks: boolean;
  /** Whether the aggregator archives raw records. */
  readonly archiveRaw: boolean;
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
  /** Aggregators that may be warm for one shard or another. */
  readonly idsMax: number;
  readonly redriverEveryMs: number;
  readonly accountantEveryMs: number;
  readonly compactorEveryMs: number;
  readonly compaction: Omit<CompactorSettings, 'generation' | 'slotBits'>;
  /** How long deltas, entries and ids are kept; undefined: for ever. */
  readonly deltaRetentionMs: number | undefined;
  readonly ledgerRetentionMs: number | undefined;
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
  compactor: 300_000,
  reader: 10_000,
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
    slotBits: random.pick([0, 1, 2, 4]),
    wideBytesMax: random.pick([0, 100, 3_000]),
    dedupWindowMs: random.pick([MINUTE_MS, 3 * MINUTE_MS, 10 * MINUTE_MS]),
    acceptPastMs: accept.acceptPastMs,
    acceptFutureMs: random.pick([5, 10]) * MINUTE_MS,
  };
}

/** As short as the retention rule allows. */
export const MINUTES_RETENTION_MS = 50 * DAY_MS;

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
    messageBytesMax: random.pick([1, 200, 60_000]),
    dedupWindowLeastMs: rollup.dedupWindowMs,
    shortLog,
    streamRetentionMs: shortLog ? HOUR_MS : 7 * DAY_MS,
    weeks,
    // By itself, so that the draws that follow stay what they were.
    archiveRaw: random.fork('raw').chance(0.3),
    // Parked parts may come back after weeks: their segments stay open until then.
    deltaRetentionMs: weeks ? undefined : 30 * DAY_MS,
    ledgerRetentionMs: weeks ? undefined : 15 * DAY_MS,
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
      idsChunkBytes: random.pick([64, 64, 320_000]),
      pageEntries: random.pick([1, 2, 200]),
      batchKeys: random.pick([5, 100, 100]),
      batchMessages: random.pick([1, 3, 10]),
      pageShards: random.pick([1, 2, 1_000]),
      tablePageBytes: random.pick([1, 500, 1_048_576]),
    },
  };
  const minutesMs = random.chance(weeks ? 0.8 : 0.15) ? MINUTES_RETENTION_MS : undefined;
  return { ...drawn, ...drawCompaction(random, minutesMs) };
}

/** Intervals far shorter and blocks far smaller than on AWS, so that small histories have many epochs and splits. */
function drawCompaction(
  random: Random,
  minutesMs: number | undefined,
): Pick<Settings, 'compactorEveryMs' | 'compaction'> {
  const everyMs = random.pick([1, 3, 10]) * MINUTE_MS;
  const daysMs = minutesMs === undefined || random.chance(0.5) ? undefined : minutesMs + 7 * DAY_MS;
  return {
    compactorEveryMs: everyMs,
    compaction: {
      retentions: { hours: minutesMs, days: daysMs, months: undefined, all: undefined },
      cadence: { hoursMs: everyMs * random.pick([0, 1, 2]) },
      blockBytes: random.pick([60, 150, 600, 16_384]),
      rangeEventsMax: random.pick([1, 5, 500_000]),
      openMax: random.pick([0, 1, 100]),
    },
  };
}

/** A retry parameter, sometimes one that cannot be used. */
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
