// Deltas: the rows of one segment in one hash range, immutable, a pure function of the segment.

import { type HashRange, nameHash, rangeOf, WHOLE_RANGE } from './hash-range.ts';
import type { SegmentId } from './identifiers.ts';
import { chunksOf, compareRows, layRows, packRows, type Row, rowBytes } from './rows.ts';

/** The identity of a delta. */
export interface DeltaName {
  readonly segment: SegmentId;
  /** Its number within the segment, from 0. */
  readonly part: number;
  /** The hash range of its rows. */
  readonly range: HashRange;
  /** The running maximum of arrivals of its segment, epoch milliseconds: the order in which deltas are stored. */
  readonly runMaxMs: number;
}

export interface Delta extends DeltaName {
  readonly events: number;
  /** Encoded rows. */
  readonly rows: Uint8Array;
}

/** Rows of one delta, not compressed yet. */
export interface CutRows {
  readonly range: HashRange;
  readonly events: number;
  /** Encoded, uncompressed rows: the same bytes at every attempt, whatever library compresses them. */
  readonly laid: Uint8Array;
}

/** How rows are cut into deltas. Frozen in the segment's plan. */
export interface CutConfig {
  /** A large segment has a delta for each of 2^slotBits hash ranges. */
  readonly slotBits: number;
  /** Up to this size, in bytes of `rowBytes`, a segment has one delta for all hashes; `WIDE_BYTES_MAX` by default. */
  readonly wideBytesMax?: number;
}

/** Up to this size a segment has one delta for all hashes: a write unit for each range would cost more than the bytes. */
const WIDE_BYTES_MAX = 6_000;
/** Above this size a delta is split, so that each fits into an item whatever its names and sums. */
const DELTA_BYTES_MAX = 100_000;

/** Cuts a segment's rows into deltas. @param rows at most one for each (metric, entity, hour), in any order */
export function cutRows(
  rows: readonly Row[],
  { slotBits, wideBytesMax = WIDE_BYTES_MAX }: CutConfig,
): CutRows[] {
  const sorted = [...rows].sort(compareRows);
  const size = sorted.reduce((sum, row) => sum + rowBytes(row), 0);
  const byRange =
    size <= wideBytesMax
      ? new Map([[WHOLE_RANGE, sorted]])
      : Map.groupBy(sorted, ({ metric, entity }) => rangeOf(nameHash(metric, entity), slotBits));
  const ranges = [...byRange].sort(([a], [b]) => (a < b ? -1 : 1));
  return ranges.flatMap(([range, group]) =>
    chunksOf(group, DELTA_BYTES_MAX).map((chunk) => ({
      range,
      events: chunk.reduce((sum, { events }) => sum + events, 0),
      laid: layRows(chunk),
    })),
  );
}

/** Names and compresses cut rows. */
export function deltasOf(segment: SegmentId, runMaxMs: number, cut: readonly CutRows[]): Delta[] {
  return cut.map(({ range, events, laid }, part) => ({
    segment,
    part,
    range,
    runMaxMs,
    events,
    rows: packRows(laid),
  }));
}
