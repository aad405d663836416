// What the aggregator reports while it runs: the source of its metrics.
import type { SegmentId, ShardKey } from '../core/identifiers.ts';
import type { SegmentOutput } from '../core/rollup.ts';
import type { Head } from '../core/segment.ts';
import type { StreamGap } from '../ports.ts';

/** Observes segments; does not affect what happens next. */
export interface SegmentListener {
  /** A new segment was planned. */
  planned(): void;
  /** A segment planned by another invocation is being finished. */
  recovered(): void;
  /** A segment is sent. */
  committed(output: SegmentOutput): void;
  /** A segment's records were trimmed before it was finished. */
  lost(segment: SegmentId, head: Head): void;
  /** Records may have been trimmed unread. */
  gap(shard: ShardKey, gap: StreamGap): void;
}

export const SILENT: SegmentListener = {
  planned() {},
  recovered() {},
  committed() {},
  lost() {},
  gap() {},
};
