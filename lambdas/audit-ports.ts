// The ports of the audit: what it reads again, holds against each other, and keeps on the way, as types only.

import type { Difference, ExpectedItem, StoredItem } from './counting/audit.ts';
import type { AuditState, UnauditedReason } from './counting/audit-state.ts';
import type { CounterKey } from './counting/counter-item.ts';
import type { ShardKey } from './counting/identifiers.ts';
import type { StreamRecord } from './counting/segment.ts';
import type { SegmentEntry } from './counting/segment-entry.ts';

/** Reads segments' records of one shard one after the other, forwards, without reading anything twice. */
export interface RangeReader {
  /** What is still there of a segment, which is after every segment read before; or why nothing can be said of it. */
  read(entry: SegmentEntry): Promise<readonly StreamRecord[] | UnauditedReason>;
}

/** Where an audit reads segments' records again: the stream, or the archive of raw records. */
export interface AuditedLog {
  /** A reader for the segments of one shard. */
  ranges(shard: ShardKey): RangeReader;
}

/** The counter items as the audit reads and repairs them. */
export interface AuditedCounters {
  /** Items by key, in the keys' order; undefined where there is none. Strongly consistent. */
  readItems(keys: readonly CounterKey[]): Promise<readonly (StoredItem | undefined)[]>;
  /** A page of the keys of all items. `next`, if there is one, is what the following page comes after. */
  scanKeys(
    after: CounterKey | undefined,
  ): Promise<{ readonly keys: readonly CounterKey[]; readonly next: CounterKey | undefined }>;
  /**
   * Rewrites an item to what it must say, on condition that it is still as it was read.
   * @param expiresAt when a new item may be deleted, epoch seconds; an item that is there keeps its own
   */
  rewrite(
    expected: ExpectedItem,
    stored: StoredItem | undefined,
    expiresAt: number | undefined,
  ): Promise<'rewritten' | 'changed-meanwhile'>;
}

/** Where an audit keeps what it needs from one page to the next; all of it is deleted after a day. */
export interface AuditScratch {
  /** The state of an audit after so many steps; undefined when there is none. */
  readState(audit: string, step: number): Promise<AuditState | undefined>;
  /** Keeps the state after a step, unless another attempt at the step was faster. @returns the state that is there */
  putStateIfAbsent(state: AuditState): Promise<AuditState>;
  /** Keeps lines by partition. Repeatable. @returns their name, which follows from what they are */
  putSpill(audit: string, partitions: readonly (readonly string[])[]): Promise<string>;
  /** How many bytes each partition of a spill takes. */
  spillSizes(audit: string, spill: string): Promise<readonly number[]>;
  /** The lines of the partitions `from <= partition < to` of a spill. */
  readSpill(audit: string, spill: string, from: number, to: number): Promise<readonly string[]>;
}

/** Where repairs leave their trace. */
export interface RepairArchive {
  /** Keeps what is about to be repaired and why, under a name that follows from it; repeatable. */
  keepRepair(repair: {
    readonly differences: readonly Difference[];
    readonly before: StoredItem | undefined;
    readonly after: ExpectedItem;
  }): Promise<void>;
}

/** A counter item as the audit of the levels sees it. */
export interface StoredHour {
  /** The start of its hour, epoch milliseconds. */
  readonly hourMs: number;
  readonly n: bigint;
  /** The segments that it has. */
  readonly applied: ReadonlySet<string>;
  /** Epoch seconds. */
  readonly expiresAt: number | undefined;
}

/** The counter items as the audit of the levels reads them. */
export interface StoredHours {
  /** All items of a counter's hours in `fromMs <= start < toMs`; strongly consistent. */
  storedHours(metric: string, entity: string, fromMs: number, toMs: number): Promise<readonly StoredHour[]>;
}
