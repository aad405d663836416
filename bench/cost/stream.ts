// From producers to Lambda on a clock that nobody waits for: records on shards, and batches cut as an event source mapping cuts them.
import { hash } from 'node:crypto';
import { type Configuration, configurationOf } from '../../lib/configuration.ts';
import { AGGREGATOR_BATCH_RECORDS } from '../../lib/configuration-rules.ts';
import { assumed } from '../../plan/assumptions.ts';
import { INVOCATION_BYTES_MAX } from '../../plan/quotas.ts';
import type { Meter } from './meter.ts';
import type { SentEvent } from './workloads.ts';

/** A record of the stream. */
export interface StreamRecord {
  readonly shard: number;
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  /** Base64, as Lambda gets it. */
  readonly data: string;
  readonly arrivalMs: number;
}

/** What one invocation gets: records of one shard. */
export interface StreamBatch {
  readonly shard: number;
  readonly atMs: number;
  readonly records: readonly StreamRecord[];
}

type Settings = Pick<Configuration, 'streamShards' | 'aggregatorWindowSeconds'>;

/** Packs are grouped by so many buckets of ids, so that a retry meets its twin; a pack waits for a second at the most. */
const PACK_BUCKETS = 16;
const PACK_WAIT_MS = 1_000;

/** One event a record: the partition key is its id, and its time is that of its arrival. */
export function* singleRecords(
  events: Iterable<SentEvent>,
  shards: number,
  meter: Meter,
): Iterable<StreamRecord> {
  let sequence = 0;
  for (const { id, metric, entity, atMs, arrivalMs } of events) {
    const data = JSON.stringify({ id, metric, entity, at: atMs });
    sequence += 1;
    yield record(shardOf(id, shards), sequence, id, data, arrivalMs, meter);
  }
}

/** Arrays of up to `perRecord` events, grouped by buckets of their ids. */
export function* packedRecords(
  events: Iterable<SentEvent>,
  perRecord: number,
  shards: number,
  meter: Meter,
): Iterable<StreamRecord> {
  const packs = new Map<number, { texts: string[]; dueMs: number }>();
  let sequence = 0;
  const put = (bucket: number, texts: readonly string[], arrivalMs: number) => {
    packs.delete(bucket);
    sequence += 1;
    // An explicit hash key spreads buckets evenly.
    const shard = Math.floor((bucket * shards) / PACK_BUCKETS);
    return record(shard, sequence, `bucket-${bucket}`, `[${texts.join(',')}]`, arrivalMs, meter);
  };
  for (const { id, metric, entity, atMs, arrivalMs } of events) {
    // In the order in which they were begun, which is that of their dues.
    for (const [bucket, { texts, dueMs }] of packs) {
      if (dueMs > arrivalMs) break;
      yield put(bucket, texts, dueMs);
    }
    const bucket = shardOf(id, PACK_BUCKETS);
    const pack = packs.get(bucket) ?? { texts: [], dueMs: arrivalMs + PACK_WAIT_MS };
    packs.set(bucket, pack);
    pack.texts.push(JSON.stringify({ id, metric, entity, at: atMs }));
    if (pack.texts.length === perRecord) yield put(bucket, pack.texts, arrivalMs);
  }
  for (const [bucket, { texts, dueMs }] of packs) yield put(bucket, texts, dueMs);
}

function record(
  shard: number,
  sequence: number,
  partitionKey: string,
  text: string,
  arrivalMs: number,
  meter: Meter,
): StreamRecord {
  const data = Buffer.from(text);
  meter.noteRecord(data.byteLength, partitionKey.length);
  const sequenceNumber = `4954${String(sequence).padStart(52, '0')}`;
  return { shard, sequenceNumber, partitionKey, data: data.toString('base64'), arrivalMs };
}

/** Kinesis' way: MD5 of the partition key, over ranges of the same width. */
function shardOf(partitionKey: string, shards: number): number {
  if (shards === 1) return 0;
  return Math.floor((Number.parseInt(hash('md5', partitionKey).slice(0, 8), 16) / 2 ** 32) * shards);
}

/**
 * Batches in the order in which they are handed over. A batch begins with its first record, and ends when its window is over, or
 * with as many records or bytes as it may have.
 */
export function* streamBatches(records: Iterable<StreamRecord>, c: Settings): Iterable<StreamBatch> {
  const windowMs = Math.max(assumed('pollSeconds'), c.aggregatorWindowSeconds) * 1000;
  const open = new Map<number, { records: StreamRecord[]; bytes: number; dueMs: number }>();
  const close = (shard: number, atMs: number): StreamBatch => {
    const batch = open.get(shard);
    open.delete(shard);
    return { shard, atMs, records: batch?.records ?? [] };
  };
  for (const record of records) {
    // In the order in which they were begun, which is that of their dues.
    for (const [shard, { dueMs }] of open) {
      if (dueMs >= record.arrivalMs) break;
      yield close(shard, dueMs);
    }
    const bytes = record.data.length + assumed('kinesisEnvelopeBytes');
    const { shard, arrivalMs } = record;
    if ((open.get(shard)?.bytes ?? 0) + bytes > INVOCATION_BYTES_MAX) yield close(shard, arrivalMs);
    const batch = open.get(shard) ?? { records: [], bytes: 0, dueMs: arrivalMs + windowMs };
    open.set(shard, batch);
    batch.records.push(record);
    batch.bytes += bytes;
    if (batch.records.length === AGGREGATOR_BATCH_RECORDS) yield close(shard, arrivalMs);
  }
  for (const [shard, { dueMs }] of open) yield close(shard, dueMs);
}

/** A stage's configuration for a run: windows of so many seconds, and what has to go with them. */
export function settingsFor(windowSeconds: number, change: Partial<Configuration> = {}): Configuration {
  const windows = { aggregatorWindowSeconds: windowSeconds, writerWindowSeconds: windowSeconds, ...change };
  return configurationOf('prod', {
    writerBatchSize: 1_000,
    ...windows,
    freshnessAlarmSeconds: windows.aggregatorWindowSeconds + windows.writerWindowSeconds + 20,
  });
}
