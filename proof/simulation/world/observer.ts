// What the world reports to the oracle and its checkers.
import type { Item } from '../../../fake-aws/dynamodb/values.ts';
import type { SegmentEntry } from '../../../lambdas/core/segment-entry.ts';
import type { StoredRecord } from './stream.ts';

/** Told what happened inside the services, right afterwards. Names are plain text, since an observer parses them itself. */
export interface WorldObserver {
  recordPut(shard: string, record: StoredRecord): void;
  /** A rollup message reached the queue from the aggregator. */
  rollupSent(body: string): void;
  /** An item of the table of counts was written. */
  countsWritten(before: Item | undefined, item: Item): void;
  partsAcknowledged(segment: string, parts: readonly number[]): void;
  archived(key: string, body: string): void;
  /** A segment's entry became visible. */
  entryPut(shard: string, entry: SegmentEntry): void;
  /** `completeThrough` was published. */
  watermarkRaised(throughMs: number): void;
  /** A queue dropped a message as too old. */
  messageDropped(queue: string, body: string): void;
}
