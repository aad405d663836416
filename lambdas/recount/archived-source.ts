// The archive of raw records as a source of segments: each object is compared with its segment's entry.
import { type ShardKey, segmentId } from '../core/identifiers.ts';
import { InvalidRawObject, type RawSegment, streamRecord } from '../core/raw-segment.ts';
import type { SegmentEntry } from '../core/segment-entry.ts';
import type { Clock } from '../ports.ts';
import type { RawReader, SegmentSource } from '../raw-ports.ts';

/**
 * The archive as a source.
 * @param retentionMs how long objects are kept; undefined: forever
 */
export function archivedSource(
  archive: RawReader,
  clock: Clock,
  retentionMs: number | undefined,
): SegmentSource {
  const mayBeExpired = ({ minArrivalMs }: SegmentEntry) =>
    retentionMs !== undefined && clock.nowMs() - minArrivalMs >= retentionMs;
  return {
    segmentsOf: (shard: ShardKey) => ({
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
