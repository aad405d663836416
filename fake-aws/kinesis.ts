// Kinesis in memory: what each operation does when its request arrives.
import {
  type CreateStreamInput,
  type DescribeStreamInput,
  ExpiredIteratorException,
  type GetRecordsInput,
  type GetShardIteratorInput,
  InvalidArgumentException,
  KinesisClient,
  type ListShardsInput,
  type MergeShardsInput,
  type PutRecordInput,
  type PutRecordsInput,
  type PutRecordsRequestEntry,
  ResourceInUseException,
  ResourceNotFoundException,
  type Shard,
  type SplitShardInput,
} from '@aws-sdk/client-kinesis';
import type { Transport } from './call.ts';
import { makeClient, type Operations } from './client.ts';
import { NotSimulated, onlyKnown, refused } from './errors.ts';
import { FakeStream, type KinesisOptions, type StoredRecord, type StoredShard } from './stream.ts';

const RECORDS_MAX = 500;
const RECORD_BYTES_MAX = 1_048_576;
const REQUEST_BYTES_MAX = 5 * 1_048_576;
const PAGE_BYTES_MAX = 10 * 1_048_576;
const ITERATOR_MS = 300_000;

interface NamedStream {
  readonly StreamName?: string | undefined;
}

/** The streams, and clients for them. */
export class FakeKinesis {
  readonly #options: KinesisOptions;
  readonly #streams = new Map<string, FakeStream>();
  readonly #operations: Operations = {
    CreateStream: ({ StreamName, ShardCount, ...rest }: CreateStreamInput) => {
      onlyKnown('CreateStream', rest, '');
      this.addStream(StreamName ?? '', ShardCount ?? 1);
      return {};
    },
    DeleteStream: (input: NamedStream) => {
      this.stream(input.StreamName);
      this.#streams.delete(input.StreamName ?? '');
      return {};
    },
    DescribeStream: (input: DescribeStreamInput) => {
      const Shards = this.stream(input.StreamName).listed().map(described);
      const { StreamName } = input;
      return { StreamDescription: { StreamName, StreamStatus: 'ACTIVE', Shards, HasMoreShards: false } };
    },
    PutRecord: (input: PutRecordInput) => this.#put(this.stream(input.StreamName), input),
    PutRecords: (input) => this.#putRecords(input),
    ListShards: (input) => this.#listShards(input),
    GetShardIterator: (input) => this.#iterator(input),
    GetRecords: (input) => this.#getRecords(input),
    SplitShard: (input: SplitShardInput) => {
      const stream = this.stream(input.StreamName);
      stream.split(stream.shard(input.ShardToSplit), BigInt(input.NewStartingHashKey ?? ''));
      return {};
    },
    MergeShards: (input: MergeShardsInput) => {
      const stream = this.stream(input.StreamName);
      stream.merge(stream.shard(input.ShardToMerge), stream.shard(input.AdjacentShardToMerge));
      return {};
    },
  };

  constructor(options: KinesisOptions) {
    this.#options = options;
  }

  /** A client whose calls go through a transport. */
  client(transport?: Transport): KinesisClient {
    return makeClient(KinesisClient.prototype, 'kinesis', this.#operations, transport);
  }

  /** Makes a stream. */
  addStream(name: string, shards: number): FakeStream {
    if (this.#streams.has(name)) throw new ResourceInUseException(refused(`stream ${name} exists`));
    const stream = new FakeStream(shards, this.#options);
    this.#streams.set(name, stream);
    return stream;
  }

  /** A stream. @throws ResourceNotFoundException */
  stream(name: string | undefined): FakeStream {
    const stream = this.#streams.get(name ?? '');
    if (stream === undefined) throw new ResourceNotFoundException(refused(`Stream ${name} not found.`));
    return stream;
  }

  #put(stream: FakeStream, { Data, PartitionKey = '', ExplicitHashKey }: PutRecordsRequestEntry) {
    if (PartitionKey === '' || PartitionKey.length > 256) {
      throw new InvalidArgumentException(refused('a partition key has 1 to 256 characters'));
    }
    const data = Data ?? new Uint8Array();
    if (data.byteLength + Buffer.byteLength(PartitionKey) > RECORD_BYTES_MAX) {
      throw new InvalidArgumentException(refused('a record has at most 1 MiB'));
    }
    const [shard, record] = stream.put(data, PartitionKey, ExplicitHashKey);
    return { SequenceNumber: record.sequenceNumber, ShardId: shard.id };
  }

  #putRecords({ StreamName, Records = [], ...rest }: PutRecordsInput): object {
    onlyKnown('PutRecords', rest, '');
    const stream = this.stream(StreamName);
    const bytes = Records.reduce((sum, { Data }) => sum + (Data?.byteLength ?? 0), 0);
    if (Records.length === 0 || Records.length > RECORDS_MAX || bytes > REQUEST_BYTES_MAX) {
      throw new InvalidArgumentException(refused(`a request has 1 to ${RECORDS_MAX} records and 5 MiB`));
    }
    return { FailedRecordCount: 0, Records: Records.map((record) => this.#put(stream, record)) };
  }

  #listShards(input: ListShardsInput): object {
    onlyKnown('ListShards', input, 'StreamName NextToken MaxResults');
    if ((input.StreamName === undefined) === (input.NextToken === undefined)) {
      throw new InvalidArgumentException(refused('either StreamName or NextToken is given'));
    }
    const [name = '', from = '0'] = input.NextToken?.split(' ') ?? [input.StreamName];
    const stream = this.stream(name);
    stream.trim();
    const listed = stream.listed();
    const to = Number(from) + Math.min(input.MaxResults ?? 1_000, this.#options.pageShards ?? 1_000);
    if (to < listed.length) this.#options.crossings.note('kinesis list of shards');
    return {
      Shards: listed.slice(Number(from), to).map(described),
      ...(to < listed.length && { NextToken: `${name} ${to}` }),
    };
  }

  #iterator(input: GetShardIteratorInput): object {
    const { StreamName, ShardId, ShardIteratorType, StartingSequenceNumber } = input;
    const stream = this.stream(StreamName);
    const shard = stream.shard(ShardId);
    stream.trim();
    const place = startOf(shard, ShardIteratorType, StartingSequenceNumber);
    return { ShardIterator: this.#iteratorAt(StreamName ?? '', shard, place, false) };
  }

  #iteratorAt(stream: string, { id }: StoredShard, place: number, isEmpty: boolean): string {
    return [stream, id, place, isEmpty ? 'empty' : 'full', this.#options.clock.nowMs()].join(' ');
  }

  #getRecords({ ShardIterator = '', Limit = 10_000 }: GetRecordsInput): object {
    const [name = '', id, place, isEmpty, madeMs] = ShardIterator.split(' ');
    const { clock, crossings, pageRecords = 10_000, emptyPages = false } = this.#options;
    if (madeMs === undefined) throw new InvalidArgumentException(refused('Invalid ShardIterator.'));
    if (clock.nowMs() - Number(madeMs) > ITERATOR_MS) {
      throw new ExpiredIteratorException(refused('Iterator expired.'));
    }
    const stream = this.stream(name);
    const shard = stream.shard(id);
    stream.trim();
    const from = Math.max(Number(place), shard.trimmed);
    const skips = emptyPages && isEmpty === 'full' && from < shard.records.length;
    const to = skips ? from : pageEnd(shard.records, from, Math.min(Limit, pageRecords));
    if (skips) crossings.note('kinesis empty page');
    if (to < shard.records.length) crossings.note('kinesis page');
    const isAtEnd = to >= shard.records.length;
    return {
      Records: shard.records.slice(from, to).map((record) => ({
        SequenceNumber: record.sequenceNumber,
        ApproximateArrivalTimestamp: new Date(record.arrivalMs),
        PartitionKey: record.partitionKey,
        Data: record.data,
      })),
      MillisBehindLatest: isAtEnd ? 0 : 1 + clock.nowMs() - (shard.records.at(-1)?.arrivalMs ?? 0),
      // At the end of a closed shard, there is no next iterator.
      ...(!(isAtEnd && shard.closedMs !== undefined) && {
        NextShardIterator: this.#iteratorAt(name, shard, to, skips),
      }),
    };
  }
}

function described(shard: StoredShard): Shard {
  const [ParentShardId, AdjacentParentShardId] = shard.parents;
  return {
    ShardId: shard.id,
    ParentShardId,
    AdjacentParentShardId,
    HashKeyRange: { StartingHashKey: String(shard.hashFrom), EndingHashKey: String(shard.hashTo) },
    SequenceNumberRange: {
      StartingSequenceNumber: shard.startingSequenceNumber,
      EndingSequenceNumber: shard.endingSequenceNumber,
    },
  };
}

function startOf(shard: StoredShard, type: string | undefined, number: string | undefined): number {
  if (type === 'TRIM_HORIZON') return shard.trimmed;
  if (type === 'LATEST') return shard.records.length;
  if (type !== 'AT_SEQUENCE_NUMBER' && type !== 'AFTER_SEQUENCE_NUMBER')
    throw new NotSimulated(`iterators ${type}`);
  if (number === undefined || !/^\d+$/.test(number)) {
    throw new InvalidArgumentException(refused(`StartingSequenceNumber ${number} is invalid`));
  }
  const start = BigInt(number) + (type === 'AFTER_SEQUENCE_NUMBER' ? 1n : 0n);
  const place = shard.records.findIndex(({ sequenceNumber }) => BigInt(sequenceNumber) >= start);
  return Math.max(shard.trimmed, place === -1 ? shard.records.length : place);
}

function pageEnd(records: readonly StoredRecord[], from: number, most: number): number {
  let bytes = 0;
  let to = from;
  while (to < records.length && to - from < most) {
    bytes += records[to]?.data.byteLength ?? 0;
    if (to > from && bytes > PAGE_BYTES_MAX) break;
    to += 1;
  }
  return to;
}
