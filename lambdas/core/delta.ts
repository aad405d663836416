// Deltas: the rows of one segment in one hash range, immutable, a pure function of the segment.

import { type HashRange, nameHash, rangeOf, WHOLE_RANGE } from './hash-range.ts';
import type { SegmentId } from './identifiers.ts';
import { compareRows, layRows, packRows, type Row, rowBytes } from './rows.ts';

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
  /** Up to this size, in bytes of `rowBytes`, a segment has one delta for all hashes; 3,000 by default. */
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
