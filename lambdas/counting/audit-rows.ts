// What an audit sets aside between its phases: rows and keys of counter items as lines, in partitions by item.
import type { EmittedRow } from './audit.ts';
import { bucketOfSortKey, type CounterKey, counterKey, metricOfSortKey } from './counter-item.ts';
import type { SegmentId } from './identifiers.ts';
import { hashEventId } from './seen-ids.ts';
import { type BucketMinutes, parseBucketName } from './time.ts';

/** Among how many partitions counter items are spread: gigabytes of lines still leave each within memory. */
export const AUDIT_PARTITIONS = 8_192;

/** The partition of a counter item. */
export function partitionOf({ pk, sk }: CounterKey, partitions: number): number {
  const hash = { high: 0, low: 0 };
  hashEventId(`${sk}\n${pk}`, hash);
  return hash.low % partitions;
}

/** Lines by partition, while they grow. */
export class SpillLines {
  readonly partitions: readonly string[][];
  /** Of all lines, their ends included. */
  bytes = 0;

  constructor(partitions: number) {
    this.partitions = Array.from({ length: partitions }, () => []);
  }

  /** Sets what a segment emitted for one item aside. */
  addRow({ segment, row, bucketMinutes, acked }: EmittedRow): void {
    const key = counterKey(row.metric, row.entity, row.bucket);
    this.#add(key, [key.pk, key.sk, segment, bucketMinutes, acked ? 1 : 0, row.events, row.minutes]);
  }

  /** Sets the key of an item that is there aside. */
  addItem(key: CounterKey): void {
    this.#add(key, [key.pk, key.sk]);
  }

  #add(key: CounterKey, fields: readonly unknown[]): void {
    const line = JSON.stringify(fields);
    this.partitions[partitionOf(key, this.partitions.length)]?.push(line);
    this.bytes += Buffer.byteLength(line) + 1;
  }
}

/** All that lines say of one counter item. */
export interface ItemLines {
  readonly key: CounterKey;
  readonly rows: EmittedRow[];
}

type Line = [
  pk: string,
  sk: string,
  segment?: SegmentId,
  bucketMinutes?: BucketMinutes,
  acked?: 0 | 1,
  events?: number,
  minutes?: Record<number, number>,
];

/** Gathers lines by item: names of items in their order, `itemName`, each with its rows as they were set aside. */
export function itemsInLines(lines: Iterable<string>): ReadonlyMap<string, ItemLines> {
  const items = new Map<string, ItemLines>();
  for (const line of lines) {
    const [pk, sk, segment, bucketMinutes = 60, acked, events = 0, minutes = {}] = JSON.parse(line) as Line;
    const name = itemName({ pk, sk });
    const item = items.get(name) ?? { key: { pk, sk }, rows: [] };
    items.set(name, item);
    if (segment === undefined) continue;
    const place = { metric: metricOfSortKey(sk), entity: pk, bucket: bucketOfSortKey(sk) };
    item.rows.push({ segment, bucketMinutes, acked: acked === 1, row: { ...place, events, minutes } });
  }
  return new Map([...items].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** One text for one counter item. */
export function itemName({ pk, sk }: CounterKey): string {
  return JSON.stringify([pk, sk]);
}

/** Whether a bucket starts in `fromMs <= start < toMs`. */
export function isBucketIn(bucket: string, { fromMs, toMs }: { fromMs: number; toMs: number }): boolean {
  const startMs = parseBucketName(bucket);
  return startMs !== undefined && startMs >= fromMs && startMs < toMs;
}

/**
 * The partitions that are compared together: from `first` on, as many as stay within `bytesMax`, one at least.
 * @param sizes bytes of each partition's lines
 * @returns the partition after them
 */
export function partitionsWithin(sizes: readonly number[], first: number, bytesMax: number): number {
  let bytes = sizes[first] ?? 0;
  let end = first + 1;
  while (end < sizes.length && bytes + (sizes[end] ?? 0) <= bytesMax) {
    bytes += sizes[end] ?? 0;
    end += 1;
  }
  return end;
}
