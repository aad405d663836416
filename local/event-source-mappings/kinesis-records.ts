// Reads a stream's shards, and one shard's records in the format of Lambda's event.
import { type AwsJsonClient, ServiceError } from '../emulators/aws-json.ts';
import { account, region } from '../identity.ts';
import { asList, asNumber, asObject, asText, type JsonObject } from '../json.ts';
import type { StreamMappingParts } from './kinesis-mapping.ts';

/** A shard of a stream. */
export interface Shard {
  readonly shardId: string;
  readonly parents: readonly string[];
  readonly closed: boolean;
}

/** Lists a stream's shards, closed ones too; kinesalite returns them all at once. */
export async function listShards(
  kinesis: AwsJsonClient,
  StreamName: string,
  signal: AbortSignal,
): Promise<Shard[]> {
  const { Shards } = await kinesis.call('ListShards', { StreamName }, { signal });
  return asList(Shards).map((item) => {
    const shard = asObject(item);
    const parents = [shard['ParentShardId'], shard['AdjacentParentShardId']];
    return {
      shardId: asText(shard['ShardId']) ?? '',
      parents: parents.filter((parent) => typeof parent === 'string'),
      closed: asObject(shard['SequenceNumberRange'])['EndingSequenceNumber'] !== undefined,
    };
  });
}

/**
 * Reads a shard once: at most `limit` records after one, or the oldest; `ended` when nothing can follow. Creates an
 * iterator for every read: kinesalite's next iterator of an empty read starts at the current second, and could skip a record that
 * was being put in the second before.
 */
export async function readShardOnce(
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
export type StreamRecord = ReturnType<typeof eventRecord>;

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

/** Approximate bytes of a record in an event. */
export function recordBytes({ kinesis }: StreamRecord): number {
  return kinesis.data.length + kinesis.partitionKey.length + 600;
}
