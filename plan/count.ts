// Tally itself on an AWS in memory: aggregator, writer and compactor as deployed, fed with events on a virtual clock.
import { type AggregatorPorts, aggregate } from '../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../lambdas/aggregator/segment-listener.ts';
import { DedupWindows } from '../lambdas/aggregator/windows.ts';
import { compact } from '../lambdas/compactor/compact.ts';
import { BLOCK_BYTES, type CompactorSettings, RANGE_EVENTS_MAX } from '../lambdas/compactor/ports.ts';
import { OPEN_SEGMENTS_MAX } from '../lambdas/core/compaction.ts';
import { parseSequenceNumber, parseShardId } from '../lambdas/core/identifiers.ts';
import { DEFAULT_RETRY_POLICY } from '../lambdas/core/retry-policy.ts';
import type { StreamRecord } from '../lambdas/core/segment.ts';
import { DAY_MS } from '../lambdas/core/time.ts';
import { LedgerTable } from '../lambdas/ledger/ledger-table.ts';
import type { RawArchive } from '../lambdas/raw-ports.ts';
import { CompactionStateTable } from '../lambdas/store/state-table.ts';
import { StoreTable } from '../lambdas/store/store-table.ts';
import { writeRollups } from '../lambdas/writer/write.ts';
import { type Meter, meteredAws, TABLES } from './meter.ts';

/** An event as the aggregator gets it. */
interface CountedEvent {
  readonly id: string;
  readonly metric: string;
  readonly entity: string;
  readonly atMs: number;
}

export interface CountSettings {
  readonly hashSlots: number;
  readonly windowSeconds: number;
  readonly compactionSeconds: number;
  /** For event ids; a shorter window takes less memory. */
  readonly dedupWindowSeconds: number;
}

/** When every run begins: at the start of an hour, epoch milliseconds. */
export const START_MS = Date.UTC(2026, 10, 23, 8);

const SHARD = parseShardId('shardId-000000000000');
/** Retentions under which nothing expires. */
export const FOREVER = { hours: undefined, days: undefined, months: undefined, all: undefined };
const always = () => true;
const never = async (): Promise<never> => {
  throw new Error('nothing fails, and nothing is rejected or late, in a run in memory');
};

const NO_BYTES = new Uint8Array();

/** A record's bytes, as a producer puts them. */
function bytesOf(events: readonly CountedEvent[], batch: string | undefined): Uint8Array {
  const bodies = events.map(({ atMs: at, ...event }) => ({ ...event, at }));
  return Buffer.from(JSON.stringify(batch === undefined ? bodies[0] : [1, batch, bodies]));
}

/** The compactor's settings, as deployed. */
export function compactionOf(hashSlots: number, compactionSeconds: number): CompactorSettings {
  return {
    generation: '1',
    retentions: FOREVER,
    cadence: { hoursMs: compactionSeconds * 1000 },
    slotBits: Math.log2(hashSlots),
    blockBytes: BLOCK_BYTES,
    rangeEventsMax: RANGE_EVENTS_MAX,
    openMax: OPEN_SEGMENTS_MAX,
  };
}

/** A stack of one shard in memory. The events' times drive its clock. @param raw where raw records are archived, if they are */
export function countingStack(settings: CountSettings, meter: Meter, raw?: RawArchive) {
  const { hashSlots, windowSeconds, compactionSeconds, dedupWindowSeconds } = settings;
  let [segments, sequence] = [0, 1];
  let records: StreamRecord[] = [];
  let bodies: string[] = [];
  let nowMs = START_MS;
  let dueMs = START_MS + windowSeconds * 1000;
  let compactAtMs = START_MS + 60_000;
  const clock = { nowMs: () => nowMs };
  const { dynamoDb } = meteredAws(clock, meter).clients();
  const ledger = new LedgerTable(dynamoDb, TABLES.ledger, clock);
  const state = new CompactionStateTable(dynamoDb, TABLES.ledger);
  const store = new StoreTable(dynamoDb, TABLES.counts, clock, 30 * DAY_MS);
  const aggregatorPorts: AggregatorPorts = {
    ledger,
    ranges: state,
    log: {
      readRange: never,
      readToEnd: never as never,
      holds: async () => true,
      parentsOf: async () => [],
      lists: async () => true,
    },
    queue: { send: async (messages) => void bodies.push(...messages.map(({ body }) => body)) },
    rejected: { keepRejected: never },
    raw,
    windows: new DedupWindows(),
    clock,
    listener: { ...SILENT, planned: () => (segments += 1) },
  };
  const writerPorts: Parameters<typeof writeRollups>[1] = {
    deltas: store,
    ledger,
    expired: { keepExpired: never },
    failed: { delay: never, bury: never },
    retryPolicy: { current: async () => DEFAULT_RETRY_POLICY },
    clock,
    random: () => 0,
  };
  const stream = { shards: async () => [{ shard: SHARD, parents: [] }] };
  /** The deployed adapters, on tables in memory. */
  const ports = { state, store, ledger, stream, clock };

  const count = async () => {
    const rollup = {
      slotBits: Math.log2(hashSlots),
      dedupWindowMs: dedupWindowSeconds * 1000,
      acceptPastMs: undefined,
      acceptFutureMs: 600_000,
    };
    const aggregation = { generation: '1', streamRetentionMs: 7 * DAY_MS, rollup };
    const outcome = await aggregate({ shard: SHARD, records }, aggregatorPorts, aggregation, always);
    if (outcome !== 'done') throw new Error('a batch is left');
    records = [];
  };
  const write = async () => {
    const delivered = bodies.map((body, index) => {
      meter.noteMessage(body.length);
      return { messageId: String(index), receiptHandle: '', body, receiveCount: 1, history: undefined };
    });
    bodies = [];
    const writing = { retentions: FOREVER, concurrency: 32 };
    const { retry, report } = await writeRollups(delivered, writerPorts, writing, always);
    if (retry.length > 0) throw new Error(`the writer failed: ${report.failures.join(', ')}`);
  };
  const compaction = compactionOf(hashSlots, compactionSeconds);
  /** Ends a batching window: aggregates its batch, writes the messages, and compacts what is due. */
  const flush = async () => {
    nowMs = dueMs;
    dueMs += windowSeconds * 1000;
    if (records.length > 0) await count();
    await write();
    while (compactAtMs <= nowMs) {
      compactAtMs += 60_000;
      await compact(ports, compaction, always);
    }
  };
  return {
    ports,
    segments: () => segments,
    /** Adds a record of one or more events; arrival times must not decrease. */
    take: async (arrivalMs: number, events: readonly CountedEvent[], batch?: string): Promise<void> => {
      while (arrivalMs >= dueMs) await flush();
      records.push({
        sequenceNumber: parseSequenceNumber(String(sequence++)),
        arrivalMs,
        data: raw === undefined ? NO_BYTES : bytesOf(events, batch),
        batch,
        events: events.map((event, index) => ({
          ...event,
          n: 1,
          place: batch === undefined ? undefined : index,
        })),
      });
    },
    /** Counts pending records, and compacts once more at a later time. */
    finish: async (afterMs: number): Promise<void> => {
      await flush();
      nowMs += afterMs;
      await compact(ports, compaction, always);
    },
  };
}
