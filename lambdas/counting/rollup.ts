// The rollup: a pure function of a segment's records, its dedup window and its frozen configuration.
import { createHash } from 'node:crypto';
import type { Accounts } from './accounts.ts';
import { type DedupView, SegmentIds } from './dedup-window.ts';
import { type CountableEvent, type DecodedEvent, identityOf, type RejectionReason } from './event.ts';
import { parseSegmentId, type SegmentId, type SequenceNumber } from './identifiers.ts';
import { encodeParts, type RollupPart, type RollupRow } from './rollup-message.ts';
import { hashEventId } from './seen-ids.ts';
import { isRejected, type RollupConfig, type StreamRecord } from './segment.ts';
import {
  bucketName,
  bucketStartMs,
  groupedBucketName,
  isLate,
  MINUTE_MS,
  minuteOfHour,
  parseBucketName,
} from './time.ts';
import { encodeTouched } from './touched-counters.ts';

/** An event that can never be counted, and where it stood. */
export interface RejectedEvent {
  readonly sequenceNumber: SequenceNumber;
  /** Its place in the record, from 0. */
  readonly index: number;
  readonly arrivalMs: number;
  readonly reason: RejectionReason;
  /** The whole record, so that nothing is lost. */
  readonly data: Uint8Array;
}

/** Everything that a segment produces: the same at every attempt. */
export interface SegmentOutput {
  readonly accounts: Accounts;
  readonly parts: readonly RollupPart[];
  readonly rejected: readonly RejectedEvent[];
  /** The earliest and latest bucket that it adds to, epoch milliseconds; undefined when it adds to none. */
  readonly buckets: { readonly earliestMs: number; readonly latestMs: number } | undefined;
  /** Hashes of the ids seen in the segment, packed. */
  readonly ids: Uint8Array;
  /** The counters' hours that it adds to, in chunks: a function of its rows. */
  readonly touched: readonly string[];
  /** SHA-256 over everything above, hexadecimal. */
  readonly digest: string;
  /** How many rows the parts hold. */
  readonly rows: number;
  /** How many of the emitted events were late, see `isLate`. */
  readonly late: number;
}

/**
 * How many of a shard's segments go to one counter item of a bucket; the next ones go to a further item. On time that is
 * more than an hour's; it bounds what one client with a stuck clock can make of an item, at 9 bytes a segment and shard.
 */
export const ITEM_SEGMENTS = 1_024;

interface GrowingRow {
  readonly bucket: string;
  readonly metric: string;
  readonly entity: string;
  events: number;
  readonly minutes: Record<number, number>;
}

interface GrowingBucket {
  readonly startMs: number;
  /** The minute of its hour in which it starts: an hour is never divided unevenly. */
  readonly startMinute: number;
  readonly name: string;
  /** Rows by metric and entity. */
  readonly metrics: Map<string, Map<string, GrowingRow>>;
}

/**
 * Rolls a segment's records up: drops duplicates, sets aside what can never be counted, sums the rest by metric, entity
 * and minute, and splits the sorted rows into messages.
 * @param window who has seen an id before this segment
 */
export function rollUp(
  segment: SegmentId,
  records: readonly StreamRecord[],
  window: DedupView,
  config: RollupConfig,
): SegmentOutput {
  const rows = new RowTable(config, Math.floor(parseSegmentId(segment).segment / ITEM_SEGMENTS));
  const ids = new SegmentIds(records.reduce((sum, { events }) => sum + events.length, 0));
  const rejected: RejectedEvent[] = [];
  const rejectedByReason: Partial<Record<RejectionReason, number>> = {};
  const id = { high: 0, low: 0 };
  let received = 0;
  let duplicate = 0;
  let late = 0;
  for (const record of records) {
    for (let index = 0; index < record.events.length; index += 1) {
      const event = record.events[index] as DecodedEvent;
      received += 1;
      const reason = isRejected(event) ? event.rejected : outOfRange(event, record.arrivalMs, config);
      if (reason !== undefined) {
        rejectedByReason[reason] = (rejectedByReason[reason] ?? 0) + 1;
        rejected.push({ ...pick(record), index, reason });
        continue;
      }
      const countable = event as CountableEvent;
      const identity = identityOf(countable, record.batch);
      if (identity !== undefined) {
        hashEventId(identity, id);
        // A dropped duplicate enters the window too: a chain of retries may outlast the first one's stay.
        if (!ids.add(id) || window.seen(id)) {
          duplicate += 1;
          continue;
        }
      }
      rows.add(countable);
      if (isLate(countable.atMs, record.arrivalMs)) late += 1;
    }
  }
  const accounts: Accounts = {
    received,
    duplicate,
    rejected: rejectedByReason,
    emitted: rows.events,
    lost: 0,
  };
  const sorted = rows.sorted();
  const parts = encodeParts(segment, sorted, config);
  const packed = ids.packed();
  return {
    accounts,
    parts,
    rejected,
    buckets: bucketSpan(sorted),
    ids: packed,
    touched: encodeTouched(sorted),
    digest: digestOf(accounts, parts, packed),
    rows: sorted.length,
    late,
  };
}

function pick({ sequenceNumber, arrivalMs, data }: StreamRecord) {
  return { sequenceNumber, arrivalMs, data };
}

function outOfRange(
  event: CountableEvent,
  arrivalMs: number,
  config: RollupConfig,
): RejectionReason | undefined {
  if (config.acceptPastMs !== undefined && event.atMs < arrivalMs - config.acceptPastMs) return 'too-old';
  if (event.atMs > arrivalMs + config.acceptFutureMs) return 'too-new';
  return undefined;
}

/** Rows by bucket, metric and entity while they grow. */
class RowTable {
  readonly #config: RollupConfig;
  readonly #group: number;
  readonly #buckets = new Map<number, GrowingBucket>();
  /** The bucket of the last event, which nearly always is the next one's, too. */
  #last: GrowingBucket | undefined;
  events = 0;

  constructor(config: RollupConfig, group: number) {
    this.#config = config;
    this.#group = group;
  }

  add({ metric, entity, atMs, n }: CountableEvent): void {
    const { startMs, startMinute, name, metrics } = this.#bucketAt(
      bucketStartMs(atMs, this.#config.bucketMinutes),
    );
    let entities = metrics.get(metric);
    if (entities === undefined) {
      entities = new Map();
      metrics.set(metric, entities);
    }
    let row = entities.get(entity);
    if (row === undefined) {
      row = { bucket: name, metric, entity, events: 0, minutes: {} };
      entities.set(entity, row);
    }
    const minute = startMinute + Math.floor((atMs - startMs) / MINUTE_MS);
    row.minutes[minute] = (row.minutes[minute] ?? 0) + n;
    row.events += 1;
    this.events += 1;
  }

  /** Rows by bucket, metric, entity: an order of their own, so that two attempts split them alike. */
  sorted(): RollupRow[] {
    const rows: RollupRow[] = [];
    for (const { metrics } of valuesByKey(this.#buckets, (a, b) => a - b)) {
      for (const entities of valuesByKey(metrics)) rows.push(...valuesByKey(entities));
    }
    return rows;
  }

  #bucketAt(startMs: number): GrowingBucket {
    if (this.#last?.startMs === startMs) return this.#last;
    let bucket = this.#buckets.get(startMs);
    if (bucket === undefined) {
      const name = groupedBucketName(bucketName(startMs, this.#config.bucketMinutes), this.#group);
      bucket = { startMs, startMinute: minuteOfHour(startMs), name, metrics: new Map() };
      this.#buckets.set(startMs, bucket);
    }
    this.#last = bucket;
    return bucket;
  }
}

/** A map's values in the order of its keys: of text, by its UTF-16 code units. */
function* valuesByKey<Key, Value>(
  map: ReadonlyMap<Key, Value>,
  compare?: (a: Key, b: Key) => number,
): Iterable<Value> {
  for (const key of [...map.keys()].sort(compare)) yield map.get(key) as Value;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The earliest and latest bucket among sorted rows' names. */
function bucketSpan(rows: readonly { readonly bucket: string }[]): SegmentOutput['buckets'] {
  const earliestMs = parseBucketName(rows[0]?.bucket ?? '');
  const latestMs = parseBucketName(rows.at(-1)?.bucket ?? '');
  return earliestMs === undefined || latestMs === undefined ? undefined : { earliestMs, latestMs };
}

function digestOf(accounts: Accounts, parts: readonly RollupPart[], ids: Uint8Array): string {
  const digest = createHash('sha256');
  const byReason = Object.entries(accounts.rejected).sort(([a], [b]) => compareText(a, b));
  digest.update(JSON.stringify([accounts.received, accounts.duplicate, byReason, accounts.emitted]));
  for (const { message } of parts) digest.update(message.body).update('\n');
  return digest.update(ids).digest('hex');
}
