// Batches of the stream as Lambda hands them to the aggregator, and what must be counted of them, worked out simply.
import { randomBytes, randomUUID } from 'node:crypto';
import type { KinesisStreamEvent } from 'aws-lambda';

/** One row of the benchmark's table: the load, and how full the dedup window is. */
export interface LoadShape {
  readonly label: string;
  /** Events in a batch. */
  readonly events: number;
  /** Events a record. */
  readonly perRecord: number;
  /** Ids in the dedup window, about. */
  readonly ids: number;
  /** Different entities that events are drawn from, all alike. */
  readonly entities: number;
  /** How events say when they happened: ISO 8601 with milliseconds, epoch milliseconds, or not at all. */
  readonly at: 'iso' | 'epoch' | 'none';
}

/** Counts by `metric entity minute`, the minute since the epoch. */
export type Counts = ReadonlyMap<string, number>;

/** A batch, and what it says. */
export interface LoadedBatch {
  readonly event: KinesisStreamEvent;
  /** Every event counted. */
  readonly counts: Counts;
  /** Every id counted once. */
  readonly dedupedCounts: Counts;
  /** Events that repeat an id. */
  readonly duplicates: number;
  /** When its first record arrived, epoch milliseconds. */
  readonly firstArrivalMs: number;
  /** When its last record arrived, epoch milliseconds. */
  readonly lastArrivalMs: number;
}

interface Event {
  readonly id: string;
  readonly metric: string;
  readonly entity: string;
  readonly at: string | number | undefined;
  readonly n: number;
}

/** When everything begins: five minutes into an hour. */
export const START_MS = Date.UTC(2026, 10, 22, 5, 5);
export const SHARD = 'shardId-000000000000';
const BATCH_MS = 5_000;

/** A name under which something is counted. */
export function countKey(metric: string, entity: string, atMs: number): string {
  return `${metric} ${entity} ${Math.floor(atMs / 60_000)}`;
}

/**
 * Makes one batch after the other, in the order of the stream. One event in a hundred repeats the one before it, and another
 * one repeats one of the batch before, where there is a window that remembers it.
 */
export class Load {
  readonly #shape: LoadShape;
  readonly #entities: readonly string[];
  readonly #gapMs: number;
  #made = 0;
  #last: readonly Event[] = [];

  /** @param gapMs from the first arrival of a batch to that of the next */
  constructor(shape: LoadShape, gapMs: number) {
    this.#shape = shape;
    this.#gapMs = gapMs;
    // An event of such an entity takes about 200 bytes.
    this.#entities = Array.from(
      { length: shape.entities },
      (_, place) => `/videos/${randomUUID()}/${randomBytes(18).toString('base64url')}/${place}`,
    );
  }

  next(): LoadedBatch {
    const { events: length, ids } = this.#shape;
    const firstArrivalMs = START_MS + Math.round(this.#made * this.#gapMs);
    const spanMs = Math.min(BATCH_MS, this.#gapMs);
    const arrivalOf = (index: number) => firstArrivalMs + Math.floor((index / length) * spanMs);
    const events: Event[] = [];
    const [counts, dedupedCounts] = [new Map<string, number>(), new Map<string, number>()];
    let duplicates = 0;
    for (let index = 0; index < length; index += 1) {
      const before = index % 100 === 50 ? events.at(-1) : undefined;
      const earlier = index % 100 === 99 && ids > 0 ? this.#last[index - 10] : undefined;
      const repeated = before ?? earlier;
      const event = repeated ?? this.#fresh(arrivalOf(index));
      events.push(event);
      if (repeated !== undefined) duplicates += 1;
      // Without a time it happened when its record arrived, and records arrive in order.
      const record = Math.floor(index / this.#shape.perRecord) * this.#shape.perRecord;
      const key = countKey(event.metric, event.entity, new Date(event.at ?? arrivalOf(record)).getTime());
      counts.set(key, (counts.get(key) ?? 0) + event.n);
      if (repeated === undefined) dedupedCounts.set(key, (dedupedCounts.get(key) ?? 0) + event.n);
    }
    const event = this.#asLambdaEvent(events, arrivalOf);
    this.#made += 1;
    this.#last = events;
    return {
      event,
      counts,
      dedupedCounts,
      duplicates,
      firstArrivalMs,
      lastArrivalMs: arrivalOf(length - 1),
    };
  }

  #fresh(arrivalMs: number): Event {
    const { at } = this.#shape;
    const atMs = arrivalMs - Math.floor(Math.random() * 4_000);
    return {
      id: randomUUID(),
      metric: 'view',
      entity: this.#entities[Math.floor(Math.random() * this.#entities.length)] ?? '',
      at: at === 'iso' ? new Date(atMs).toISOString() : at === 'epoch' ? atMs : undefined,
      n: 1,
    };
  }

  #asLambdaEvent(events: readonly Event[], arrivalOf: (index: number) => number): KinesisStreamEvent {
    const { perRecord } = this.#shape;
    const Records = [];
    for (let first = 0; first < events.length; first += perRecord) {
      const batch = events.slice(first, first + perRecord);
      const text = JSON.stringify(perRecord === 1 ? batch[0] : [1, `batch-${first}`, batch]);
      const sequenceNumber = `4${String(this.#made * events.length + first).padStart(55, '0')}`;
      Records.push({
        kinesis: {
          kinesisSchemaVersion: '1.0',
          partitionKey: batch[0]?.id,
          sequenceNumber,
          data: Buffer.from(text).toString('base64'),
          approximateArrivalTimestamp: arrivalOf(first) / 1000,
        },
        eventSource: 'aws:kinesis',
        eventVersion: '1.0',
        eventID: `${SHARD}:${sequenceNumber}`,
        eventName: 'aws:kinesis:record',
        invokeIdentityArn: 'arn:aws:iam::123456789012:role/aggregator',
        awsRegion: 'us-east-1',
        eventSourceARN: 'arn:aws:kinesis:us-east-1:123456789012:stream/events',
      });
    }
    // As the runtime gives it: read from JSON.
    return JSON.parse(JSON.stringify({ Records }));
  }
}
