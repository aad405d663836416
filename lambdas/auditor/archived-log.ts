// The archive of raw records as an audit reads it: each segment's object, held against what the segment's entry says of it.

import type { AuditedLog, RangeReader } from '../audit-ports.ts';
import { type ShardKey, segmentId } from '../counting/identifiers.ts';
import { InvalidRawObject, type RawSegment, streamRecord } from '../counting/raw-segment.ts';
import type { SegmentEntry } from '../counting/segment-entry.ts';
import type { Clock } from '../ports.ts';
import type { RawReader } from '../raw-ports.ts';

/**
 * The archive as a log.
 * @param retentionMs for how long objects are kept; undefined: for ever
 */
export function archivedLog(archive: RawReader, clock: Clock, retentionMs: number | undefined): AuditedLog {
  const mayBeExpired = ({ minArrivalMs }: SegmentEntry) =>
    retentionMs !== undefined && clock.nowMs() - minArrivalMs >= retentionMs;
  return {
    ranges: (shard: ShardKey): RangeReader => ({
      async read(entry) {
        if (entry.raw === undefined) return 'not-archived';
        const place = { segment: segmentId(shard, entry.segment), hourMs: entry.minArrivalMs };
        let raw: RawSegment | undefined;
        try {
          raw = await archive.readRaw(place);
        } catch (error) {
          if (error instanceof InvalidRawObject) return 'raw-differs';
          throw error;
        }
        if (raw === undefined) return mayBeExpired(entry) ? 'raw-expired' : 'raw-missing';
        if (raw.digest !== entry.raw)
          return raw.records.some(({ deleted }) => deleted) ? 'raw-deleted' : 'raw-differs';
        return raw.records.map(streamRecord);
      },
    }),
  };
}
