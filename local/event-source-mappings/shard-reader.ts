// Handles one shard: in order, one batch at a time, from its checkpoint to its end. A failed batch is retried.
import type { ListShardsOutput } from '@aws-sdk/client-kinesis';
import { type AwsJsonClient, ServiceError } from '../emulators/aws-json.ts';
import { account, region } from '../identity.ts';
import { asList, asNumber, asObject, asText, type JsonObject } from '../json.ts';
import type { StreamMappingParts } from './kinesis-mapping.ts';
import { batchContentBytesMax, failedItems, type Gate, pauseFor } from './mapping.ts';

/** Interval at which an idle shard is read. AWS reads about once a second; here, counts should show up sooner. */
const pollMs = 150;
const backoffBaseMs = 100;
const backoffCapMs = 10_000;

/** Reads and handles the shard until its end; rejects when the mapping is stopped. */
export async function readShard(parts: StreamMappingParts, shard: Shard, gate: Gate): Promise<void> {
  const { checkpoints } = parts;
  let failuresInARow = 0;
  for (;;) {
    const records = await collect(parts, shard, gate);
    if (records === 'ended') {
      checkpoints.set(shard.shardId, { ...checkpoints.get(shard.shardId), drained: true });
      return;
    }
    const handled = await gate.handling(() => deliver(parts, records));
    const last = records[handled - 1];
    if (last !== undefined)
      checkpoints.set(shard.shardId, { sequenceNumber: last.kinesis.sequenceNumber, drained: false });
    if (handled === records.length) {
      failuresInARow = 0;
      continue;
    }
    failuresInARow = handled > 0 ? 1 : failuresInARow + 1;
    const ceiling = Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(failuresInARow, 10));
    await pauseFor(ceiling * (0.5 + Math.random() / 2), gate.signal);
  }
}

/** Waits for records, then until the window ends or the batch is full. */
async function collect(
  parts: StreamMappingParts,
  shard: Shard,
  gate: Gate,
): Promise<StreamRecord[] | 'ended'> {
  const { settings, checkpoints } = parts;
  const records: StreamRecord[] = [];
  let bytes = 0;
  let windowEnd = Number.POSITIVE_INFINITY;
  let after = checkpoints.get(shard.shardId)?.sequenceNumber;
  for (;;) {
    await gate.pass();
    try {
      const limit = settings.batchSize - records.length;
      const read = await readShardOnce(parts, shard, { after, limit, signal: gate.signal });
      for (const record of read.records) {
        const { data, partitionKey, sequenceNumber } = record.kinesis;
        // Approximate bytes of a record in an event.
        bytes += data.length + partitionKey.length + 600;
        if (bytes > batchContentBytesMax && records.length > 0) return records;
        records.push(record);
        after = sequenceNumber;
      }
      if (read.ended) return records.length > 0 ? records : 'ended';
    } catch {
      gate.signal.throwIfAborted();
      if (records.length > 0) return records;
      await pauseFor(1_000, gate.signal);
    }
    if (records.length > 0) windowEnd = Math.min(windowEnd, Date.now() + settings.windowMs);
    const windowRest = windowEnd - Date.now();
    if (records.length >= settings.batchSize || windowRest <= 0) return records;
    await pauseFor(Math.min(pollMs, windowRest), gate.signal);
  }
}

/** Invokes the function. @returns how many of the first records are done; everything from the lowest failure on is retried */
async function deliver(
  { settings, invoke, onBatch }: StreamMappingParts,
  records: readonly StreamRecord[],
): Promise<number> {
  onBatch?.((records.at(-1)?.kinesis.approximateArrivalTimestamp ?? 0) * 1_000);
  const numbers = records.map(({ kinesis }) => kinesis.sequenceNumber);
  const failed = new Set(failedItems(await invoke({ Records: records }), settings, numbers));
  const first = numbers.findIndex((number) => failed.has(number));
  return first < 0 ? records.length : first;
}

/** A shard of a stream. */
export type Shard = Awaited<ReturnType<typeof listShards>>[number];

/** Lists a stream's shards, closed ones too; kinesalite returns them all at once. */
export async function listShards(kinesis: AwsJsonClient, StreamName: string, signal: AbortSignal) {
  const { Shards = [] }: ListShardsOutput = await kinesis.call('ListShards', { StreamName }, { signal });
  return Shards.map(({ ShardId = '', ParentShardId, AdjacentParentShardId, SequenceNumberRange }) => ({
    shardId: ShardId,
    parents: [ParentShardId, AdjacentParentShardId].filter((parent) => typeof parent === 'string'),
    closed: SequenceNumberRange?.EndingSequenceNumber !== undefined,
  }));
}

/**
 * Reads a shard once: at most `limit` records after one, or the oldest; `ended` when nothing can follow. Creates an
 * iterator for every read: kinesalite's next iterator of an empty read starts at the current second, and could skip a record that
 * was being put in the second before.
 */
async function readShardOnce(
  { kinesis, stream }: StreamMappingParts,
  { shardId, closed }: Shard,
  { after, limit: Limit, signal }: { after: string | undefined; limit: number; signal: AbortSignal },
): Promise<{ records: StreamRecord[]; ended: boolean }> {
  const iteratorAt = async (position: JsonObject) => {
    const input = { StreamName: stream.name, ShardId: shardId, ...position };
    return (await kinesis.call('GetShardIterator', input, { signal }))['ShardIterator'];
  };
  const oldest = { ShardIteratorType: 'TRIM_HORIZON' };
  const next = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: after ?? '' };
  let iterator = await iteratorAt(after === undefined ? oldest : next).catch((error: unknown) => {
    // A checkpoint of another stream (for example after its data folder was emptied): restart at the oldest record.
    if (error instanceof ServiceError && error.code === 'InvalidArgumentException') return iteratorAt(oldest);
    throw error;
  });
  // A closed shard may need a second empty read before the service reports its end.
  for (let attempt = 0; attempt < (closed ? 2 : 1); attempt += 1) {
    const answer = await kinesis.call('GetRecords', { ShardIterator: iterator ?? '', Limit }, { signal });
    const records = asList(answer['Records']).map((record) =>
      eventRecord(asObject(record), shardId, stream.arn),
    );
    iterator = answer['NextShardIterator'];
    const ended = typeof iterator !== 'string';
    if (records.length > 0 || ended) return { records, ended };
  }
  return { records: [], ended: false };
}

/** A record in a function's event; its data stays base64. */
type StreamRecord = ReturnType<typeof eventRecord>;

function eventRecord(record: JsonObject, shardId: string, eventSourceARN: string) {
  const sequenceNumber = asText(record['SequenceNumber']) ?? '';
  return {
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: asText(record['PartitionKey']) ?? '',
      sequenceNumber,
      data: asText(record['Data']) ?? '',
      /** Epoch seconds. */
      approximateArrivalTimestamp: asNumber(record['ApproximateArrivalTimestamp']) ?? 0,
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `${shardId}:${sequenceNumber}`,
    eventName: 'aws:kinesis:record',
    invokeIdentityArn: `arn:aws:iam::${account}:role/local`,
    awsRegion: region,
    eventSourceARN,
  };
}
