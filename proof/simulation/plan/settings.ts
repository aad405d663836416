// What a history's seed determines about the system: shards, configuration, sizes, retentions, clocks.
import type { CompactorSettings } from '../../../lambdas/compactor/ports.ts';
import type { RollupConfig } from '../../../lambdas/core/segment.ts';
import type { LevelRetentionsMs } from '../../../lambdas/core/watermark.ts';
import type { Random } from '../random.ts';
import { ORDINARY_WORLD, type WorldLimits, type WorldSettings } from '../world/world.ts';

/** How much a history holds. */
export type Size = 'small' | 'window' | 'entities' | 'names';

/** Everything about a history except its events and faults. Times are milliseconds. */
export interface Settings extends WorldSettings {
  /** When the first record may arrive. */
  readonly startMs: number;
  /** For how long records arrive. */
  readonly trafficMs: number;
  /** Records arrive in bursts, that long after the start. */
  readonly burstsMs: readonly number[];
  /** What AWS's own limits are made for: some hundred segments in one dedup window, ten thousand entities, long names. */
  readonly size: Size;
  readonly rollup: RollupConfig;
  /** Most bytes of deltas in one message. */
  readonly messageBytesMax: number;
  /** Most bytes of ids in a segment's entry. */
  readonly inlineIdsBytesMax: number;
  /** The shortest dedup window of any deployment in this history: the promised one. */
  readonly dedupWindowLeastMs: number;
  /** Maximum age of an event, by deployment: between the lowest and the highest, an event may or may not count. */
  readonly acceptPastsMs: readonly (number | undefined)[];
  /** Whether the stream keeps records for an hour only, so that an outage may outlast it. */
  readonly shortLog: boolean;
  /** Whether dead letters come back after days and weeks. */
  readonly weeks: boolean;
  /** Whether the aggregator archives raw records. */
  readonly archiveRaw: boolean;
  /** Most records in a batch of the aggregator, and how long the mapping gathers them. */
  readonly batchRecords: number;
  readonly batchWindowMs: number;
  /** Writers at once, messages a batch, updates at once in one writer. */
  readonly writers: number;
  readonly writerBatch: number;
  readonly writerConcurrency: number;
  /** Most ids that a container of the aggregator remembers. */
  readonly idsMax: number;
  readonly redriverEveryMs: number;
  readonly accountantEveryMs: number;
  readonly compactorEveryMs: number;
  readonly retentions: LevelRetentionsMs;
  readonly compaction: Omit<CompactorSettings, 'generation' | 'slotBits' | 'retentions'>;
  /** How far a container's clock may be off, either way. */
  readonly clockSkewMs: number;
  /** How far arrival times may be off, either way: the stream's hosts have clocks, too. */
  readonly arrivalSkewMs: number;
}

/** The functions' time-outs, as in the template, and what their handlers reserve of them before another step. */
export const FUNCTIONS = {
  aggregator: { timeoutMs: 60_000, reserveMs: 15_000 },
  writer: { timeoutMs: 30_000, reserveMs: 15_000 },
  redriver: { timeoutMs: 60_000, reserveMs: 15_000 },
  accountant: { timeoutMs: 60_000, reserveMs: 20_000 },
  compactor: { timeoutMs: 300_000, reserveMs: 30_000 },
  reader: { timeoutMs: 10_000, reserveMs: 0 },
  operator: { timeoutMs: 86_400_000, reserveMs: 0 },
} as const;
/** How long a received rollup message is hidden, as in the template. */
export const VISIBILITY_MS = 180_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Shortly before five on a Sunday, and shortly before the end of a day, a month and a year. */
const STARTS_MS = [
  Date.UTC(2026, 10, 22, 4, 50),
  Date.UTC(2026, 10, 22, 4, 50),
  Date.UTC(2026, 10, 22, 23, 50),
  Date.UTC(2026, 10, 30, 23, 50),
  Date.UTC(2026, 11, 31, 23, 50),
];
/** Days on which records arrive in a history long enough for everything to expire. */
const LONG_DAYS = [0, 1, 2, 9, 30, 33];
const SEQUENCE_BASE = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n;

/** Large histories take as long as fifty small ones. By seed and not by chance, so that any 300 seeds in a row have each. */
const LARGE: Readonly<Record<number, Size>> = { 50: 'window', 100: 'entities', 150: 'names' };
const LARGE_EVERY = 300;

const ACCEPT_PASTS_MS = [undefined, 7 * DAY_MS, 2 * HOUR_MS, 10 * MINUTE_MS];

/** A configuration of a deployment. */
export function rollupConfig(
  random: Random,
  { rollup, size }: Pick<Settings, 'rollup' | 'size'>,
): RollupConfig {
  return {
    slotBits: random.pick([0, 1, 2, 4]),
    wideBytesMax: random.pick([0, 100, 3_000]),
    dedupWindowMs: size === 'small' ? random.pick([MINUTE_MS, 3 * MINUTE_MS, 10 * MINUTE_MS]) : HOUR_MS,
    acceptPastMs: random.chance(0.3) ? random.pick(ACCEPT_PASTS_MS) : rollup.acceptPastMs,
    acceptFutureMs: random.pick([5, 10]) * MINUTE_MS,
  };
}

/** Retentions of a deployment; finer levels have shorter ones. */
export function drawRetentions(random: Random): LevelRetentionsMs {
  const hours = random.pick([undefined, 9 * DAY_MS, MINUTES_RETENTION_MS]);
  const days = hours === undefined || random.chance(0.5) ? undefined : hours + 7 * DAY_MS;
  return { hours, days, months: undefined, all: undefined };
}

/** As short as the retention rule allows. */
export const MINUTES_RETENTION_MS = 50 * DAY_MS;

/** Draws a history's settings. */
export function drawSettings(random: Random, seed: number): Settings {
  const size = LARGE[seed % LARGE_EVERY] ?? 'small';
  const acceptPastMs = random.pick(ACCEPT_PASTS_MS);
  const rollup = {
    ...rollupConfig(random, { rollup: { acceptPastMs } as RollupConfig, size }),
    acceptPastMs,
  };
  const kind = size === 'small' ? random.next() : 1;
  const [weeks, long, shortLog] = [kind < 0.04, kind >= 0.04 && kind < 0.07, kind >= 0.07 && kind < 0.11];
  const everyMs = random.pick([1, 3, 10]) * MINUTE_MS;
  return {
    startMs: random.pick(STARTS_MS) + random.between(0, 12 * MINUTE_MS),
    trafficMs: (size === 'window' ? 12 : random.pick([1, 4, 12])) * MINUTE_MS,
    burstsMs: (long ? LONG_DAYS : [0]).map((days) => days * DAY_MS),
    size,
    shards: size === 'window' ? 1 : random.pick([1, 1, 2, 3]),
    // A few below a power of ten: sequence numbers of two lengths, which no longer sort as text.
    sequenceBase: random.chance(0.2) ? 10n ** 55n - BigInt(random.between(1, 60)) : SEQUENCE_BASE,
    rollup,
    messageBytesMax: size === 'small' ? random.pick([1, 200, 60_000]) : 60_000,
    dedupWindowLeastMs: rollup.dedupWindowMs,
    acceptPastsMs: [acceptPastMs],
    shortLog,
    streamRetentionMs: shortLog ? HOUR_MS : 7 * DAY_MS,
    weeks,
    archiveRaw: random.chance(0.3),
    // As long as a message may return: in histories of weeks, after it was parked.
    deltaRetentionMs: (weeks ? 80 : long ? 26 : 45) * DAY_MS,
    ledgerRetentionMs: (weeks ? 80 : long ? 26 : 60) * DAY_MS,
    queueRetentionMs: 4 * DAY_MS,
    deadLetterRetentionMs: 14 * DAY_MS,
    maxReceiveCount: random.pick([20, 20, 5]),
    ttlDelayMs: random.pick([0, HOUR_MS, 48 * HOUR_MS]),
    retries: drawRetries(random),
    batchRecords: size === 'window' ? 1 : random.pick([3, 8, 20, 100]),
    batchWindowMs: random.pick([500, 5_000, 20_000]),
    writers: random.pick([1, 2, 3]),
    writerBatch: random.pick([1, 3, 10]),
    writerConcurrency: random.pick([1, 2, 8]),
    idsMax: random.pick([0, 20, 4_000_000]),
    redriverEveryMs: MINUTE_MS,
    accountantEveryMs: random.pick([1, 5]) * MINUTE_MS,
    compactorEveryMs: everyMs,
    retentions: long || random.chance(weeks ? 0.8 : 0.15) ? drawRetentions(random) : FOR_EVER,
    // Far smaller than on AWS, so that small histories have many epochs and splits.
    compaction: {
      cadence: { hoursMs: everyMs * random.pick([0, 1, 2]) },
      blockBytes: size === 'small' ? random.pick([60, 150, 600, 16_384]) : 16_384,
      rangeEventsMax: size === 'small' ? random.pick([1, 5, 500_000]) : 500_000,
      openMax: random.pick([0, 1, 100]),
      giveUpAfterMs: 600_000,
    },
    clockSkewMs: random.pick([0, 300, 4_000]),
    arrivalSkewMs: random.pick([0, 5, 2_000]),
    limits: size === 'small' ? drawLimits(random) : ORDINARY_WORLD.limits,
    inlineIdsBytesMax: random.pick([0, 0, 16, 128]),
  };
}

/** Nothing expires. */
const FOR_EVER: LevelRetentionsMs = { hours: undefined, days: undefined, months: undefined, all: undefined };

/** Most pages are large: the protocol is no different, and a page of one item each costs a call each. */
function drawLimits(random: Random): WorldLimits {
  return {
    pageRecords: random.pick([1, 2, 4, 100, 100, 100]),
    emptyPages: random.chance(0.3),
    idsChunkBytes: random.pick([64, 64, 320_000]),
    pageEntries: random.pick([1, 2, 200, 200, 200, 200]),
    batchKeys: random.pick([5, 100, 100, 100]),
    batchMessages: random.pick([1, 3, 10]),
    pageShards: random.pick([1, 2, 1_000, 1_000]),
    tablePageBytes: random.pick([1, 500, ...Array<number>(4).fill(1_048_576)]),
  };
}

/** A retry parameter, sometimes an invalid one. */
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
