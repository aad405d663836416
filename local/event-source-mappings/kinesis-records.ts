// Reads records of one shard, and builds Lambda's event from them.
import { type AwsJsonClient, ServiceError } from '../emulators/aws-json.ts';
import { region } from '../identity.ts';
import { asList, asNumber, asObject, asText } from '../json.ts';
import type { Checkpoint } from './checkpoints.ts';

/** A record of a shard; `data` stays base64. */
export interface StreamRecord {
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly data: string;
  /** Epoch seconds. */
  readonly arrival: number;
}

/** A shard of a stream. */
export interface Shard {
  readonly shardId: string;
  readonly parents: readonly string[];
  readonly closed: boolean;
}

/** Lists a stream's shards, closed ones too. */
export async function listShards(
  kinesis: AwsJsonClient,
  StreamName: string,
  signal: AbortSignal,
): Promise<Shard[]> {
  const shards: Shard[] = [];
  let page = await kinesis.call('ListShards', { StreamName }, { signal });
  for (;;) {
    for (const item of asList(page['Shards'])) {
      const shard = asObject(item);
      const parents = [shard['ParentShardId'], shard['AdjacentParentShardId']];
      shards.push({
        shardId: asText(shard['ShardId']) ?? '',
        parents: parents.filter((parent) => typeof parent === 'string'),
        closed: asObject(shard['SequenceNumberRange'])['EndingSequenceNumber'] !== undefined,
      });
    }
    const NextToken = asText(page['NextToken']);
    if (NextToken === undefined) return shards;
    page = await kinesis.call('ListShards', { NextToken }, { signal });
  }
}

/** The result of one read; `ended` when nothing can follow. */
export interface ShardRead {
  readonly records: readonly StreamRecord[];
  readonly ended: boolean;
}

/**
 * Reads once after a checkpoint. Creates an iterator for every read: kinesalite's next iterator of an empty read starts at the
 * current second, and could skip a record that was being put in the second before.
 */
export async function readAfter(
  kinesis: AwsJsonClient,
  StreamName: string,
  shard: Shard,
  checkpoint: Checkpoint | undefined,
  Limit: number,
  signal: AbortSignal,
): Promise<ShardRead> {
  let ShardIterator = await iteratorAfter(kinesis, StreamName, shard.shardId, checkpoint, signal);
  // A closed shard may need a second empty read before the service reports its end.
  for (let attempt = 0; attempt < (shard.closed ? 2 : 1); attempt += 1) {
    const answer = await kinesis.call('GetRecords', { ShardIterator, Limit }, { signal });
    const records = asList(answer['Records']).map(readRecord);
    const next = asText(answer['NextShardIterator']);
    if (records.length > 0 || next === undefined) return { records, ended: next === undefined };
    ShardIterator = next;
  }
  return { records: [], ended: false };
}

async function iteratorAfter(
  kinesis: AwsJsonClient,
  StreamName: string,
  ShardId: string,
  checkpoint: Checkpoint | undefined,
  signal: AbortSignal,
): Promise<string> {
  const StartingSequenceNumber = checkpoint?.sequenceNumber;
  const input = { StreamName, ShardId };
  const trimHorizon = { ...input, ShardIteratorType: 'TRIM_HORIZON' };
  const after =
    StartingSequenceNumber === undefined
      ? trimHorizon
      : { ...input, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber };
  try {
    return asText((await kinesis.call('GetShardIterator', after, { signal }))['ShardIterator']) ?? '';
  } catch (error) {
    // A checkpoint of another stream (for example after its data folder was emptied): restart at the oldest record.
    if (!(error instanceof ServiceError) || error.code !== 'InvalidArgumentException') throw error;
    return asText((await kinesis.call('GetShardIterator', trimHorizon, { signal }))['ShardIterator']) ?? '';
  }
}

function readRecord(value: unknown): StreamRecord {
  const record = asObject(value);
  return {
    sequenceNumber: asText(record['SequenceNumber']) ?? '',
    partitionKey: asText(record['PartitionKey']) ?? '',
    data: asText(record['Data']) ?? '',
    arrival: asNumber(record['ApproximateArrivalTimestamp']) ?? 0,
  };
}

/** A function's event for records of one shard. */
export function kinesisEvent(streamArn: string, shardId: string, records: readonly StreamRecord[]): object {
  return {
    Records: records.map((record) => ({
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: record.partitionKey,
        sequenceNumber: record.sequenceNumber,
        data: record.data,
        approximateArrivalTimestamp: record.arrival,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `${shardId}:${record.sequenceNumber}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: 'arn:aws:iam::000000000000:role/local',
      awsRegion: region,
      eventSourceARN: streamArn,
    })),
  };
}

/** Approximate bytes of a record in an event. */
export function recordBytes(record: StreamRecord): number {
  return record.data.length + record.partitionKey.length + 600;
}
