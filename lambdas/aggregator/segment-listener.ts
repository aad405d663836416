// What the aggregator reports while it works: the source of its metrics.
import type { SegmentId, ShardKey } from '../core/identifiers.ts';
import type { SegmentOutput } from '../core/rollup.ts';
import type { Head } from '../core/segment.ts';
import type { StreamGap } from '../ports.ts';

/** Hears what happens to segments; none of it changes what happens next. */
export interface SegmentListener {
  /** A new segment was planned. */
  planned(): void;
  /** A segment that somebody else planned is being finished. */
  recovered(): void;
  /** A segment is sent. */
  committed(output: SegmentOutput, nowMs: number, head: Head): void;
  /** A segment's records were trimmed before it was finished. */
  lost(segment: SegmentId, head: Head): void;
  /** Records may have been trimmed before anybody read them. */
  gap(shard: ShardKey, gap: StreamGap): void;
}

/** Hears nothing. */
export const SILENT: SegmentListener = {
  planned() {},
  recovered() {},
  committed() {},
  lost() {},
  gap() {},
};
