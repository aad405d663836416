// A fake Kinesis stream: shards that split and merge, 56-digit sequence numbers, records trimmed by retention.
import { decodeRecord } from '../../lambdas/counting/event.ts';
import {
  parseSequenceNumber,
  parseShardId,
  type SequenceNumber,
  type ShardId,
} from '../../lambdas/counting/identifiers.ts';
import type { StreamRecord } from '../../lambdas/counting/segment.ts';
import type { Clock } from '../../lambdas/ports.ts';
import { hashText } from '../random.ts';
import { UNWATCHED, type WorldObserver } from './observer.ts';

/** A record in the stream. */
export interface StoredRecord {
  readonly sequenceNumber: SequenceNumber;
  readonly arrivalMs: number;
  readonly data: Uint8Array;
  /** Its place among all records ever put, from 0. */
  readonly order: number;
}

/** A shard: a range of hashed partition keys, and what was put into it. */
export interface StoredShard {
  readonly id: ShardId;
  readonly parents: readonly ShardId[];
  readonly hashFrom: number;
  readonly hashTo: number;
  /** All records ever put; the first `trimmed` can not be read any more. */
  readonly records: StoredRecord[];
  trimmed: number;
  /** When it was split or merged; undefined while it is open. */
  closedMs: number | undefined;
}

/** How a stream is made. */
export interface StreamOptions {
  readonly clock: Clock;
  readonly shards: number;
  readonly retentionMs: number;
  /** The number before the first sequence number; a few below a power of ten makes numbers of two lengths. */
  readonly sequenceBase?: bigint;
  readonly observer?: WorldObserver;
}

/** How many hash keys there are. */
const HASHES = 65_536;

const SEQUENCE_BASE = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n;

/** The stream's state and what the service does with it. Clients see it through `StreamLogClient`. */
export class FakeStream {
  readonly #clock: Clock;
  readonly #observer: WorldObserver;
  readonly #retentionMs: number;
  readonly #sequenceBase: bigint;
  readonly #shards = new Map<ShardId, StoredShard>();
  readonly #decoded = new WeakMap<StoredRecord, StreamRecord>();
  #records = 0;

  constructor({ clock, shards, retentionMs, sequenceBase, observer }: StreamOptions) {
    this.#clock = clock;
    this.#observer = observer ?? UNWATCHED;
    this.#retentionMs = retentionMs;
    this.#sequenceBase = sequenceBase ?? SEQUENCE_BASE;
    for (let shard = 0; shard < shards; shard += 1) {
      this.#open([], Math.floor((HASHES * shard) / shards), Math.floor((HASHES * (shard + 1)) / shards));
    }
  }

  /** Every shard that the stream still lists: closed ones until their records are past retention. */
  listed(): StoredShard[] {
    this.trim();
    const horizonMs = this.#clock.nowMs() - this.#retentionMs;
    return [...this.#shards.values()].filter(
      ({ closedMs }) => closedMs === undefined || closedMs >= horizonMs,
    );
  }

  /** Every shard there ever was. */
  all(): StoredShard[] {
    return [...this.#shards.values()];
  }

  /** A shard by its id, listed or not. */
  shard(id: ShardId): StoredShard {
    const shard = this.#shards.get(id);
    if (shard === undefined) throw new RangeError(`there is no shard ${id}`);
    return shard;
  }

  /** The open shards. */
  open(): StoredShard[] {
    return this.all().filter(({ closedMs }) => closedMs === undefined);
  }

  /** Puts a record into the shard that its partition key hashes to. */
  put(partitionKey: string, data: Uint8Array, arrivalMs = this.#clock.nowMs()): StoredShard {
    const hash = hashText(partitionKey, 7) % HASHES;
    const shard = this.open().find(({ hashFrom, hashTo }) => hash >= hashFrom && hash < hashTo);
    if (shard === undefined) throw new RangeError(`no open shard takes hash ${hash}`);
    return this.putInto(shard, data, arrivalMs);
  }

  /** Puts a record into a given shard, as an explicit hash key of its range does. */
  putInto(shard: StoredShard, data: Uint8Array, arrivalMs = this.#clock.nowMs()): StoredShard {
    const order = this.#records;
    this.#records += 1;
    // Sequence numbers are not consecutive; anybody who counts with them should fall.
    const number = this.#sequenceBase + BigInt(order * 3 + (order % 2) + 1);
    const record = { sequenceNumber: parseSequenceNumber(String(number)), arrivalMs, data, order };
    shard.records.push(record);
    this.#observer.recordPut(shard.id, record);
    return shard;
  }

  /** Splits an open shard in two. */
  split(parent: StoredShard): void {
    const middle = Math.floor((parent.hashFrom + parent.hashTo) / 2);
    parent.closedMs = this.#clock.nowMs();
    this.#open([parent.id], parent.hashFrom, middle);
    this.#open([parent.id], middle, parent.hashTo);
  }

  /** Merges two adjacent open shards. @returns false when they are not adjacent */
  merge(one: StoredShard, other: StoredShard): boolean {
    const [low, high] = one.hashFrom < other.hashFrom ? [one, other] : [other, one];
    if (low === high || low.hashTo !== high.hashFrom) return false;
    low.closedMs = this.#clock.nowMs();
    high.closedMs = this.#clock.nowMs();
    this.#open([low.id, high.id], low.hashFrom, high.hashTo);
    return true;
  }

  /** Drops what is older than the retention, oldest first. */
  trim(): void {
    const horizonMs = this.#clock.nowMs() - this.#retentionMs;
    for (const shard of this.#shards.values()) {
      const from = shard.trimmed;
      while (this.#oldestOf(shard, horizonMs)) shard.trimmed += 1;
      if (shard.trimmed > from)
        this.#observer.recordsTrimmed(shard.id, shard.records.slice(from, shard.trimmed));
    }
  }

  /** A stored record as Lambda and the log client hand it over: decoded by the pipeline's own code. */
  decoded(record: StoredRecord): StreamRecord {
    let decoded = this.#decoded.get(record);
    if (decoded === undefined) {
      const { sequenceNumber, arrivalMs, data } = record;
      decoded = { sequenceNumber, arrivalMs, data, ...decodeRecord(data, arrivalMs) };
      this.#decoded.set(record, decoded);
    }
    return decoded;
  }

  #oldestOf(shard: StoredShard, horizonMs: number): boolean {
    const oldest = shard.records[shard.trimmed];
    return oldest !== undefined && oldest.arrivalMs < horizonMs;
  }

  #open(parents: readonly ShardId[], hashFrom: number, hashTo: number): void {
    const id = parseShardId(`shardId-${String(this.#shards.size).padStart(12, '0')}`);
    this.#shards.set(id, { id, parents, hashFrom, hashTo, records: [], trimmed: 0, closedMs: undefined });
  }
}
