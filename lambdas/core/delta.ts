// Deltas: the rows of one segment in one hash range, immutable, a pure function of the segment.

import { type HashRange, nameHash, rangeOf, WHOLE_RANGE } from './hash-range.ts';
import type { SegmentId } from './identifiers.ts';
import { compareRows, layRows, packRows, type Row, rowBytes } from './rows.ts';

/** What names a delta. */
export interface DeltaName {
  readonly segment: SegmentId;
  /** Its number within the segment, from 0. */
  readonly part: number;
  /** The hash range of its rows. */
  readonly range: HashRange;
  /** The running maximum of arrivals of its segment, epoch milliseconds: deltas are stored in this order. */
  readonly runMaxMs: number;
}

/** A delta on its way to the table. */
export interface Delta extends DeltaName {
  readonly events: number;
  /** Encoded rows. */
  readonly rows: Uint8Array;
}

/** What a segment's rows were cut into. */
export interface CutRows {
  readonly range: HashRange;
  readonly events: number;
  /** Rows laid out, not compressed: the same bytes at every attempt, whatever library compresses them. */
  readonly laid: Uint8Array;
}

/** How rows are cut. Frozen in the segment's plan. */
export interface CutConfig {
  /** A segment with much to say has a delta for each of 2^slotBits hash ranges. */
  readonly slotBits: number;
  /** Up to this size, in bytes of `rowBytes`, it has one delta for all hashes; 3,000 where nothing is said. */
  readonly wideBytesMax?: number;
}

/** Up to this size a segment has one delta for all hashes: a write unit each would cost more than its bytes. */
const WIDE_BYTES_MAX = 6_000;
/** Above this size a delta is cut in several, so that each fits an item whatever its names and sums. */
const DELTA_BYTES_MAX = 100_000;

/** Cuts a segment's rows into deltas. @param rows at most one for each (metric, entity, hour), in any order */
export function cutRows(
  rows: readonly Row[],
  { slotBits, wideBytesMax = WIDE_BYTES_MAX }: CutConfig,
): CutRows[] {
  const sorted = [...rows].sort(compareRows);
  const size = sorted.reduce((sum, row) => sum + rowBytes(row), 0);
  const byRange = new Map<HashRange, Row[]>();
  if (size <= wideBytesMax) byRange.set(WHOLE_RANGE, sorted);
  else {
    for (const row of sorted) {
      const range = rangeOf(nameHash(row.metric, row.entity), slotBits);
      const group = byRange.get(range);
      if (group === undefined) byRange.set(range, [row]);
      else group.push(row);
    }
  }
  const ranges = [...byRange].filter(([, group]) => group.length > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  return ranges.flatMap(([range, group]) =>
    chunksOf(group).map((chunk) => ({
      range,
      events: chunk.reduce((sum, { events }) => sum + events, 0),
      laid: layRows(chunk),
    })),
  );
}

function chunksOf(rows: readonly Row[]): Row[][] {
  const chunks: Row[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const size = rowBytes(row);
    if (bytes + size > DELTA_BYTES_MAX) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push(row);
    bytes += size;
  }
  return chunks;
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
