// The stream as the history, mappings and oracle see it: the fake service's, with records decoded by the pipeline's own code.
import type { FakeStream, StoredRecord as Record_, StoredShard as Shard } from '../../../fake-aws/stream.ts';
import { decodeRecord } from '../../../lambdas/core/event.ts';
import type { SequenceNumber, ShardId } from '../../../lambdas/core/identifiers.ts';
import type { StreamRecord } from '../../../lambdas/core/segment.ts';

/** A record in the stream. */
export type StoredRecord = Record_ & { readonly sequenceNumber: SequenceNumber };
/** A shard, and every record ever put into it. */
export type StoredShard = Omit<Shard, 'id' | 'parents' | 'records'> & {
  readonly id: ShardId;
  readonly parents: readonly ShardId[];
  readonly records: StoredRecord[];
};

/** The stream. */
export class WorldStream {
  readonly #stream: FakeStream;
  readonly #decoded = new WeakMap<StoredRecord, StreamRecord>();

  constructor(stream: FakeStream) {
    this.#stream = stream;
  }

  /** Every shard that ever existed. */
  all(): StoredShard[] {
    return this.#stream.all() as StoredShard[];
  }

  /** The shards that accept records. */
  open(): StoredShard[] {
    return this.#stream.open() as StoredShard[];
  }

  /** A shard by its id, listed or not. */
  shard(id: ShardId): StoredShard {
    const shard = this.all().find((known) => known.id === id);
    if (shard === undefined) throw new RangeError(`there is no shard ${id}`);
    return shard;
  }

  /** Puts a record into the shard that its partition key hashes to. */
  put(partitionKey: string, data: Uint8Array, arrivalMs?: number): StoredShard {
    return this.#stream.put(data, partitionKey, undefined, arrivalMs)[0] as StoredShard;
  }

  /** Puts a record into a given shard. */
  putInto({ hashFrom }: StoredShard, data: Uint8Array, arrivalMs?: number): StoredShard {
    return this.#stream.put(data, 'explicit', String(hashFrom), arrivalMs)[0] as StoredShard;
  }

  /** Splits an open shard in two. */
  split(parent: StoredShard): void {
    this.#stream.split(parent);
  }

  /** Merges two adjacent open shards. */
  merge(one: StoredShard, other: StoredShard): void {
    this.#stream.merge(one, other);
  }

  /** Drops what is older than the retention, oldest first. */
  trim(): void {
    this.#stream.trim();
  }

  /** A stored record as Lambda delivers it. */
  decoded(record: StoredRecord): StreamRecord {
    let decoded = this.#decoded.get(record);
    if (decoded === undefined) {
      const { sequenceNumber, arrivalMs, data } = record;
      decoded = { sequenceNumber, arrivalMs, data, ...decodeRecord(data, arrivalMs) };
      this.#decoded.set(record, decoded);
    }
    return decoded;
  }
}
