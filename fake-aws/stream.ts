// A Kinesis stream: shards that split and merge, 56-digit sequence numbers, records trimmed by retention.
import { createHash } from 'node:crypto';
import {
  InvalidArgumentException,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-kinesis';
import type { Clock, Crossings } from './call.ts';
import { refused } from './errors.ts';

/** A record of a shard. */
export interface StoredRecord {
  readonly sequenceNumber: string;
  readonly arrivalMs: number;
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

/** A shard: a range of hash keys, both ends included, and its records. */
export interface StoredShard {
  readonly id: string;
  readonly parents: readonly string[];
  readonly hashFrom: bigint;
  readonly hashTo: bigint;
  readonly startingSequenceNumber: string;
  /** All records ever put; the first `trimmed` of them are no longer readable. */
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
  /** The number before the first sequence number; slightly below a power of ten, it yields numbers of two lengths. */
  readonly sequenceBase?: bigint;
  /** Maximum records of a page of GetRecords. */
  readonly pageRecords?: number;
  /** Whether every other page is empty, as pages within a shard may be. */
  readonly emptyPages?: boolean;
  /** Maximum shards of a page of ListShards. */
  readonly pageShards?: number;
  readonly onRecord?: (shard: StoredShard, record: StoredRecord) => void;
}

const DAY_MS = 86_400_000;
const SEQUENCE_BASE = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n;
const HASH_KEYS = 1n << 128n;

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

  /** Every shard that ever existed. */
  all(): StoredShard[] {
    return [...this.#shards.values()];
  }

  /** The shards that accept records. */
  open(): StoredShard[] {
    return this.all().filter(({ closedMs }) => closedMs === undefined);
  }

  /** The shards that the stream still lists: closed ones until the retention of their records ends. */
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

  /** Puts a record on the shard of its hash key. */
  put(
    data: Uint8Array,
    partitionKey: string,
    explicitHashKey?: string,
    arrivalMs = this.#options.clock.nowMs(),
  ): readonly [StoredShard, StoredRecord] {
    const hash =
      explicitHashKey === undefined
        ? BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`)
        : BigInt(explicitHashKey);
    const shard = this.open().find(({ hashFrom, hashTo }) => hash >= hashFrom && hash <= hashTo);
    if (shard === undefined)
      throw new InvalidArgumentException(refused(`no shard takes the hash key ${hash}`));
    const record = { sequenceNumber: this.#nextNumber(), arrivalMs, partitionKey, data };
    shard.records.push(record);
    this.#options.onRecord?.(shard, record);
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

  /** Drops records older than the retention, oldest first. */
  trim(): void {
    const horizonMs = this.#options.clock.nowMs() - this.#retentionMs;
    for (const shard of this.#shards.values()) {
      const from = shard.trimmed;
      while ((shard.records[shard.trimmed]?.arrivalMs ?? horizonMs) < horizonMs) shard.trimmed += 1;
      if (shard.trimmed > from) this.#options.crossings.note('kinesis trimmed');
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

  /** Numbers ascend but are not consecutive: code that assumes so should fail. */
  #nextNumber(): string {
    this.#numbers += 1;
    const { sequenceBase = SEQUENCE_BASE } = this.#options;
    return String(sequenceBase + BigInt(this.#numbers * 3 + (this.#numbers % 2)));
  }
}
