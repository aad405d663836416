// Ports for raw records.
import type { ShardKey } from './core/identifiers.ts';
import type { RawObject, RawPlace, RawSegment } from './core/raw-segment.ts';
import type { StreamRecord } from './core/segment.ts';
import type { SegmentEntry } from './core/segment-entry.ts';

/** Where the raw records of segments are kept. */
export interface RawArchive {
  /** Keeps a segment's raw records. Repeatable: every attempt at a segment puts the same. @throws when they are not kept */
  keepRaw(raw: RawObject): Promise<void>;
}

/** The archive as `recount` reads it. */
export interface RawReader {
  /** A segment's raw records; undefined when nothing is there. @throws InvalidRawObject when it cannot be read */
  readRaw(place: RawPlace): Promise<RawSegment | undefined>;
}

/** The archive as a rebuild lists it. */
export interface RawHistory extends RawReader {
  /**
   * Every archived segment, in no order.
   * @param range only segments whose first arrival lies in hours that start in `fromMs <= start < toMs`, epoch milliseconds
   */
  places(range?: { readonly fromMs: number; readonly toMs: number }): AsyncIterable<RawPlace>;
}

/** Why a segment's records cannot be read again. */
export type UnreadReason =
  | 'trimmed'
  | 'not-archived'
  | 'raw-expired'
  | 'raw-missing'
  | 'raw-deleted'
  | 'raw-differs';

/** Reads segments of one shard again, each after the one before. */
export interface SegmentReader {
  /** The segment's remaining records, or why they cannot be read. */
  read(entry: SegmentEntry): Promise<readonly StreamRecord[] | UnreadReason>;
}

/** Where the records of segments are read again: the stream, or the archive of raw records. */
export interface SegmentSource {
  segmentsOf(shard: ShardKey): SegmentReader;
}
