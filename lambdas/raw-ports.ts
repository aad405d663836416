// Ports for raw records.
import type { ShardKey } from './core/identifiers.ts';
import type { RawObject, RawPlace, RawSegment } from './core/raw-segment.ts';
import type { StreamRecord } from './core/segment.ts';
import type { SegmentEntry } from './core/segment-entry.ts';

/** Stores the raw records of segments. */
export interface RawArchive {
  /** Stores a segment's raw records. Repeatable: every attempt at a segment puts the same. @throws when they could not be stored */
  keepRaw(raw: RawObject): Promise<void>;
}

/** The archive, for `recount`. */
export interface RawReader {
  /** A segment's raw records; undefined when there are none. @throws InvalidRawObject when they are unreadable */
  readRaw(place: RawPlace): Promise<RawSegment | undefined>;
}

/** The archive, for listing. */
export interface RawHistory extends RawReader {
  /**
   * Every archived segment, in any order.
   * @param range only segments whose first arrival is in hours that start in `fromMs <= start < toMs`, epoch milliseconds
   */
  places(range?: { readonly fromMs: number; readonly toMs: number }): AsyncIterable<RawPlace>;
}

/** Why a segment's records cannot be reread. */
export type UnreadReason =
  | 'trimmed'
  | 'not-archived'
  | 'raw-expired'
  | 'raw-missing'
  | 'raw-deleted'
  | 'raw-differs';

/** Rereads segments of one shard in order. */
export interface SegmentReader {
  /** The segment's remaining records, or why they cannot be reread. */
  read(entry: SegmentEntry): Promise<readonly StreamRecord[] | UnreadReason>;
}

/** Where the records of segments are reread: the stream, or the archive of raw records. */
export interface SegmentSource {
  segmentsOf(shard: ShardKey): SegmentReader;
}
