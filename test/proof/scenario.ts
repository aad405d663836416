// A hand-written history: calm settings, chosen records, chosen faults; the drivers and the oracle are the simulation's own.

import type { Fault } from '../../proof/simulation/plan/faults.ts';
import type { HistoryPlan } from '../../proof/simulation/plan/history-plan.ts';
import { NOTHING_OMITTED } from '../../proof/simulation/plan/history-plan.ts';
import type { Settings } from '../../proof/simulation/plan/settings.ts';
import type { Put } from '../../proof/simulation/plan/workload.ts';
import { runHistory, type Verdict } from '../../proof/simulation/run-history.ts';

/** When every scenario starts. */
export const START_MS = Date.UTC(2026, 10, 22, 5, 0);
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** One shard, generous limits, nothing random but latencies. */
const CALM: Settings = {
  startMs: START_MS,
  trafficMs: 60_000,
  burstsMs: [0],
  size: 'small',
  acceptPastsMs: [undefined],
  shards: 1,
  sequenceBase: 10n ** 55n,
  rollup: {
    slotBits: 1,
    dedupWindowMs: 600_000,
    acceptPastMs: undefined,
    acceptFutureMs: 600_000,
  },
  dedupWindowLeastMs: 60_000,
  shortLog: false,
  streamRetentionMs: 7 * DAY_MS,
  weeks: false,
  archiveRaw: true,
  messageBytesMax: 60_000,
  inlineIdsBytesMax: 0,
  deltaRetentionMs: undefined,
  ledgerRetentionMs: undefined,
  queueRetentionMs: 4 * DAY_MS,
  deadLetterRetentionMs: 14 * DAY_MS,
  maxReceiveCount: 20,
  ttlDelayMs: 0,
  retries: '{"attempts":3,"backoffBaseSeconds":1}',
  batchRecords: 20,
  batchWindowMs: 500,
  writers: 2,
  writerBatch: 10,
  writerConcurrency: 2,
  idsMax: 4_000_000,
  redriverEveryMs: 60_000,
  accountantEveryMs: 60_000,
  compactorEveryMs: 60_000,
  retentions: { hours: undefined, days: undefined, months: undefined, all: undefined },
  compaction: {
    cadence: { hoursMs: 60_000 },
    blockBytes: 16_384,
    rangeEventsMax: 500_000,
    openMax: 100,
  },
  clockSkewMs: 0,
  arrivalSkewMs: 0,
  limits: {
    pageRecords: 4,
    emptyPages: true,
    idsChunkBytes: 64,
    pageEntries: 2,
    batchKeys: 5,
    batchMessages: 3,
    pageShards: 2,
    tablePageBytes: 500,
  },
};

/** Compaction with minutes kept for some time only. */
export function minutesKept(hours: number): Pick<Settings, 'retentions'> {
  return { retentions: { ...CALM.retentions, hours } };
}

/** Compaction into blocks of a few rows. */
export const SMALL_BLOCKS: Pick<Settings, 'compaction'> = {
  compaction: { ...CALM.compaction, blockBytes: 60 },
};

/** A record of one event each second, for an entity of ten, or of its own. */
export function records(count: number, { from = 0, everyMs = 1_000, entities = 3 } = {}): Put[] {
  return Array.from({ length: count }, (_, place) => {
    const occurrence = {
      id: `event-${from + place}`,
      metric: 'views',
      entity: `entity-${(from + place) % entities}`,
      atMs: START_MS + (from + place) * everyMs,
      n: 1,
      rejected: undefined,
    };
    return putOf(occurrence, START_MS + (from + place) * everyMs);
  });
}

/** The same record once more, as a producer sends it that never heard an answer. */
export function again(put: Put, afterMs: number): Put {
  return { ...put, atMs: put.atMs + afterMs };
}

function putOf(occurrence: Put['occurrences'][number], atMs: number): Put {
  const { id, metric, entity, n } = occurrence;
  const data = Buffer.from(JSON.stringify({ id, metric, entity, at: occurrence.atMs, n }));
  return { atMs, partitionKey: id ?? '', data, arrivalSkewMs: 0, occurrences: [occurrence] };
}

/** Runs a scenario and gives its verdict with its trace. */
export function runScenario(
  puts: readonly Put[],
  faults: readonly Fault[],
  settings: Partial<Settings> = {},
): Promise<Verdict> {
  const plan: HistoryPlan = {
    seed: 1,
    settings: { ...CALM, ...settings },
    puts: [...puts].sort((a, b) => a.atMs - b.atMs),
    faults: [...faults].sort((a, b) => a.atMs - b.atMs),
    omitted: NOTHING_OMITTED,
  };
  return runHistory(plan, true);
}
