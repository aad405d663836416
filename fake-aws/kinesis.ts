// Kinesis in memory: shards that split and merge, 56-digit sequence numbers, records trimmed by retention.
import { createHash } from 'node:crypto';
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
import type { Clock, Crossings, Transport } from './call.ts';
import { makeClient, type Operations } from './client.ts';
import { NotSimulated, onlyKnown, refused } from './errors.ts';

/** A record of a shard. */
export interface StoredRecord {
  readonly sequenceNumber: string;
  readonly arrivalMs: number;
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

/** A shard: a range of hash keys, both ends included, and what was put into it. */
export interface StoredShard {
  readonly id: string;
  readonly parents: readonly string[];
  readonly hashFrom: bigint;
  readonly hashTo: bigint;
  readonly startingSequenceNumber: string;
  /** All records ever put; the first `trimmed` of them cannot be read any more. */
  readonly records: StoredRecord[];
  trimmed: number;
  /** When it was split or merged; undefined while it is open. */
  closedMs: number | undefined;
  endingSequenceNumber: string | undefined;
}

/** How Kinesis behaves. */
export interface KinesisOptions {
  readonly clock: Clock;
  readonly crossings: Crossings;
  readonly retentionMs?: number;
  /** The number before the first sequence number; a few below a power of ten makes numbers of two lengths. */
  readonly sequenceBase?: bigint;
  /** Most records of a page of GetRecords. */
  readonly pageRecords?: number;
  /** Whether every other page is empty, as pages in the middle of a shard may be. */
  readonly emptyPages?: boolean;
  /** Most shards of a page of ListShards. */
  readonly pageShards?: number;
  /** Milliseconds by which a record's arrival differs from the clock. */
  readonly arrivalSkewMs?: (() => number) | undefined;
  /** How many records of a request are taken; all by default. */
  readonly processed?: ((records: number) => number) | undefined;
  readonly onRecord?: (shard: StoredShard, record: StoredRecord) => void;
  readonly onTrimmed?: (shard: StoredShard, records: readonly StoredRecord[]) => void;
}

const DAY_MS = 86_400_000;
const SEQUENCE_BASE = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n;
const HASH_KEYS = 1n << 128n;
const RECORDS_MAX = 500;
const RECORD_BYTES_MAX = 1_048_576;
const REQUEST_BYTES_MAX = 5 * 1_048_576;
const PAGE_BYTES_MAX = 10 * 1_048_576;
const ITERATOR_MS = 300_000;

/** One stream. */
export class FakeStream {
  readonly #options: KinesisOptions;
  readonly #shards = new Map<string, StoredShard>();
  #numbers = 0;

  constructor(shards: number, options: KinesisOptions) {
    this.#options = options;
    for (let shard = 0; shard < shards; shard += 1) {
      const from = (HASH_KEYS * BigInt(shard)) / BigInt(shards);
      this.#open([], from, (HASH_KEYS * BigInt(shard + 1)) / BigInt(shards) - 1n);
    }
  }

  /** Every shard there ever was. */
  all(): StoredShard[] {
    return [...this.#shards.values()];
  }

  /** The shards that take records. */
  open(): StoredShard[] {
    return this.all().filter(({ closedMs }) => closedMs === undefined);
  }

  /** The shards that the stream still lists: closed ones until their records are past retention. */
  listed(): StoredShard[] {
    const horizonMs = this.#options.clock.nowMs() - this.#retentionMs;
    return this.all().filter(({ closedMs }) => closedMs === undefined || closedMs >= horizonMs);
  }

  /** A shard that the stream lists. @throws ResourceNotFoundException */
  shard(id: string | undefined): StoredShard {
    const shard = this.listed().find((listed) => listed.id === id);
    if (shard === undefined) throw new ResourceNotFoundException(refused(`Could not find shard ${id}`));
    return shard;
  }

  /** Puts a record where its hash key belongs. */
  put(
    data: Uint8Array,
    partitionKey: string,
    explicitHashKey?: string,
  ): readonly [StoredShard, StoredRecord] {
    const hash =
      explicitHashKey === undefined
        ? BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`)
        : BigInt(explicitHashKey);
    const shard = this.open().find(({ hashFrom, hashTo }) => hash >= hashFrom && hash <= hashTo);
    if (shard === undefined)
      throw new InvalidArgumentException(refused(`no shard takes the hash key ${hash}`));
    const { clock, arrivalSkewMs, onRecord } = this.#options;
    const arrivalMs = clock.nowMs() + (arrivalSkewMs?.() ?? 0);
    const record = { sequenceNumber: this.#nextNumber(), arrivalMs, partitionKey, data };
    shard.records.push(record);
    onRecord?.(shard, record);
    return [shard, record];
  }

  /** Splits an open shard at a hash key, or in the middle. */
  split(parent: StoredShard, at = (parent.hashFrom + parent.hashTo) / 2n + 1n): void {
    if (at <= parent.hashFrom || at > parent.hashTo) {
      throw new InvalidArgumentException(refused('the new starting hash key is not inside the shard'));
    }
    this.#close(parent);
    this.#open([parent.id], parent.hashFrom, at - 1n);
    this.#open([parent.id], at, parent.hashTo);
  }

  /** Merges two adjacent open shards. @throws InvalidArgumentException when they are not adjacent */
  merge(one: StoredShard, other: StoredShard): void {
    const [low, high] = one.hashFrom < other.hashFrom ? [one, other] : [other, one];
    if (low.hashTo + 1n !== high.hashFrom) {
      throw new InvalidArgumentException(refused('the shards are not adjacent'));
    }
    this.#close(low);
    this.#close(high);
    this.#open([one.id, other.id], low.hashFrom, high.hashTo);
  }

  /** Drops what is older than the retention, oldest first. */
  trim(): void {
    const horizonMs = this.#options.clock.nowMs() - this.#retentionMs;
    for (const shard of this.#shards.values()) {
      const from = shard.trimmed;
      while ((shard.records[shard.trimmed]?.arrivalMs ?? horizonMs) < horizonMs) shard.trimmed += 1;
      if (shard.trimmed === from) continue;
      this.#options.crossings.note('kinesis trimmed');
      this.#options.onTrimmed?.(shard, shard.records.slice(from, shard.trimmed));
    }
  }

  get #retentionMs(): number {
    return this.#options.retentionMs ?? DAY_MS;
  }

  #close(shard: StoredShard): void {
    if (shard.closedMs !== undefined)
      throw new ResourceInUseException(refused(`shard ${shard.id} is closed`));
    shard.closedMs = this.#options.clock.nowMs();
    shard.endingSequenceNumber = this.#nextNumber();
  }

  #open(parents: readonly string[], hashFrom: bigint, hashTo: bigint): void {
    const id = `shardId-${String(this.#shards.size).padStart(12, '0')}`;
    this.#shards.set(id, {
      id,
      parents,
      hashFrom,
      hashTo,
      startingSequenceNumber: this.#nextNumber(),
      records: [],
      trimmed: 0,
      closedMs: undefined,
      endingSequenceNumber: undefined,
    });
  }

  /** Numbers grow and are not consecutive: code that counts with them should fail. */
  #nextNumber(): string {
    this.#numbers += 1;
    const { sequenceBase = SEQUENCE_BASE } = this.#options;
    return String(sequenceBase + BigInt(this.#numbers * 3 + (this.#numbers % 2)));
  }
}

interface NamedStream {
  readonly StreamName?: string | undefined;
}

/** The streams, and the clients that reach them. */
export class FakeKinesis {
  readonly #options: KinesisOptions;
  readonly #streams = new Map<string, FakeStream>();
  readonly #operations: Operations = {
    CreateStream: ({ StreamName, ShardCount, ...rest }: CreateStreamInput) => {
      onlyKnown('CreateStream', rest, new Set());
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
    PutRecord: (input: PutRecordInput) => {
      const { SequenceNumber, ShardId } = this.#put(this.stream(input.StreamName), input);
      return { SequenceNumber, ShardId };
    },
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

  /** A client; its calls go through a transport. */
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
    onlyKnown('PutRecords', rest, new Set());
    const stream = this.stream(StreamName);
    const bytes = Records.reduce((sum, { Data }) => sum + (Data?.byteLength ?? 0), 0);
    if (Records.length === 0 || Records.length > RECORDS_MAX || bytes > REQUEST_BYTES_MAX) {
      throw new InvalidArgumentException(refused(`a request has 1 to ${RECORDS_MAX} records and 5 MiB`));
    }
    const processed = this.#options.processed?.(Records.length) ?? Records.length;
    const answers = Records.map((record, at) =>
      at < processed
        ? this.#put(stream, record)
        : { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' },
    );
    return { FailedRecordCount: Math.max(0, Records.length - processed), Records: answers };
  }

  #listShards(input: ListShardsInput): object {
    onlyKnown('ListShards', input, new Set(['StreamName', 'NextToken', 'MaxResults']));
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
    return {
      ShardIterator: this.#iteratorAt(
        StreamName ?? '',
        shard,
        startOf(shard, ShardIteratorType, StartingSequenceNumber),
        false,
      ),
    };
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
      // At the end of a closed shard there is nothing to go on with.
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
