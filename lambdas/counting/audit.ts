// The audit: what segments emitted, held against what a counter item says, minute by minute.
import { bucketOfSortKey, type CounterKey, metricOfSortKey } from './counter-item.ts';
import type { SegmentId } from './identifiers.ts';
import type { Level } from './levels.ts';
import type { RollupRow } from './rollup-message.ts';
import type { BucketMinutes } from './time.ts';

/** What one segment emitted for one counter item. */
export interface EmittedRow {
  readonly segment: SegmentId;
  readonly row: RollupRow;
  /** The width of the row's bucket. */
  readonly bucketMinutes: BucketMinutes;
  /** Whether the row's part is acknowledged, so that the item must have it. */
  readonly acked: boolean;
}

/** A counter item as it is stored, for the audit. */
export interface StoredItem {
  readonly total: bigint;
  readonly events: number;
  readonly minutes: ReadonlyMap<number, bigint>;
  readonly applied: ReadonlySet<string>;
  /** Epoch seconds. */
  readonly expiresAt: number | undefined;
}

/** What a counter item must say, given the segments it has taken up and the ones it has to. */
export interface ExpectedItem {
  readonly key: CounterKey;
  readonly total: bigint;
  readonly events: number;
  readonly minutes: ReadonlyMap<number, bigint>;
  readonly applied: ReadonlySet<SegmentId>;
}

/** One thing that is wrong with a counter item. */
export type Difference = {
  readonly metric: string;
  readonly entity: string;
  readonly bucket: string;
} & (
  | { readonly kind: 'segment-missing'; readonly segment: SegmentId; readonly minutes: RollupRow['minutes'] }
  | { readonly kind: 'segment-unknown'; readonly segment: string }
  | {
      readonly kind: 'minute-differs';
      readonly minute: number;
      readonly expected: bigint;
      readonly found: bigint;
    }
  | { readonly kind: 'total-differs'; readonly expected: bigint; readonly found: bigint }
  /** A level differs from what is below it; the bucket is the start of its hour, day or month. */
  | {
      readonly kind: 'level-differs';
      readonly level: Level;
      readonly expected: bigint;
      readonly found: bigint;
    }
  | { readonly kind: 'events-differ'; readonly expected: number; readonly found: number }
);

/** What comparing one item found. */
export interface Comparison {
  readonly differences: readonly Difference[];
  /** What the item must be; undefined when it holds segments of which nothing can be said. */
  readonly expected: ExpectedItem | undefined;
  readonly bucket: { readonly name: string; readonly minutes: BucketMinutes };
}

/**
 * Compares one counter item with what segments emitted for it. A row whose part is not acknowledged yet may be in the item
 * or not; one that is acknowledged must be. Where the item holds segments of which nothing can be said, its sums can not be
 * checked; what is missing or a stranger in it can.
 * @param emitted all rows of that item, one a segment; none for an item that nobody emitted
 * @param stored the item; undefined when there is none
 * @param unaudited whether a segment id belongs to a segment that could not be produced again, so that nothing is known of it
 */
export function compareItem(
  key: CounterKey,
  emitted: readonly EmittedRow[],
  stored: StoredItem | undefined,
  unaudited: (segment: string) => boolean,
): Comparison {
  const place = { metric: metricOfSortKey(key.sk), entity: key.pk, bucket: bucketOfSortKey(key.sk) };
  const bucket = { name: place.bucket, minutes: emitted[0]?.bucketMinutes ?? 60 };
  const applied = stored?.applied ?? new Set<string>();
  const differences: Difference[] = [];
  const known = new Set<string>();
  const present: EmittedRow[] = [];
  for (const one of emitted) {
    known.add(one.segment);
    if (applied.has(one.segment)) present.push(one);
    else if (one.acked) {
      differences.push({ ...place, kind: 'segment-missing', segment: one.segment, minutes: one.row.minutes });
    }
  }
  let certain = true;
  for (const segment of applied) {
    if (known.has(segment)) continue;
    if (unaudited(segment)) certain = false;
    else differences.push({ ...place, kind: 'segment-unknown', segment });
  }
  if (!certain) return { differences, expected: undefined, bucket };
  differences.push(...sumDifferences(place, expectedItem(key, present), stored));
  const due = emitted.filter(({ segment, acked }) => acked || applied.has(segment));
  return { differences, expected: expectedItem(key, due), bucket };
}

type Place = { metric: string; entity: string; bucket: string };

function expectedItem(key: CounterKey, rows: readonly EmittedRow[]): ExpectedItem {
  const minutes = new Map<number, bigint>();
  let total = 0n;
  let events = 0;
  for (const { row } of rows) {
    events += row.events;
    for (const [minute, n] of Object.entries(row.minutes)) {
      minutes.set(Number(minute), (minutes.get(Number(minute)) ?? 0n) + BigInt(n));
      total += BigInt(n);
    }
  }
  const applied = new Set(rows.map(({ segment }) => segment));
  return { key, total, events, minutes, applied };
}

/** Differences of the sums from those of the segments that the item says it has. */
function sumDifferences(place: Place, expected: ExpectedItem, stored: StoredItem | undefined): Difference[] {
  if (stored === undefined) return [];
  const differences: Difference[] = [];
  const minutes = [...new Set([...expected.minutes.keys(), ...stored.minutes.keys()])].sort((a, b) => a - b);
  for (const minute of minutes) {
    const [wanted, found] = [expected.minutes.get(minute) ?? 0n, stored.minutes.get(minute) ?? 0n];
    if (wanted !== found) {
      differences.push({ ...place, kind: 'minute-differs', minute, expected: wanted, found });
    }
  }
  if (expected.total !== stored.total) {
    differences.push({ ...place, kind: 'total-differs', expected: expected.total, found: stored.total });
  }
  if (expected.events !== stored.events) {
    differences.push({ ...place, kind: 'events-differ', expected: expected.events, found: stored.events });
  }
  return differences;
}
