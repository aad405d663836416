// Ports of the use cases, as types only.

import type { Heartbeat, MinuteCounts, OpenShard } from './core/canary.ts';
import type { Checkpoint } from './core/checkpoint.ts';
import type { Delta } from './core/delta.ts';
import type { Generation, LogPlace } from './core/generation.ts';
import type { PartName, SegmentId, SequenceNumber, ShardId, ShardKey } from './core/identifiers.ts';
import type { Unread } from './core/pipeline-status.ts';
import type { RetryPolicy } from './core/retry-policy.ts';
import type { RejectedEvent } from './core/rollup.ts';
import type { RollupMessage } from './core/rollup-message.ts';
import type { Head, StreamRecord } from './core/segment.ts';
import type { SegmentEntry, WindowEntry } from './core/segment-entry.ts';
import type { Watermark } from './core/watermark.ts';

/** The wall clock, epoch milliseconds. */
export interface Clock {
  nowMs(): number;
}

/** How long an answer may be cached. */
export interface Freshness {
  readonly maxAgeSeconds: number;
  /** Whether it cannot change until then. */
  readonly isImmutable: boolean;
}

/** A range of a shard, as far as the stream still holds it. */
export interface LogRange {
  readonly records: readonly StreamRecord[];
  /** True when the stream no longer holds the start of the range. */
  readonly trimmed: boolean;
}

/** The replayable log: the Kinesis stream. */
export interface StreamLog {
  /** Reads `first..last`, both included, paging past empty pages until past `last` or at the shard's end. */
  readRange(shard: ShardId, first: SequenceNumber, last: SequenceNumber): Promise<LogRange>;
  /**
   * Whether the stream still holds a record of a shard. What is held may be remembered: a younger record is held, too.
   * @param ageMs how long ago the record arrived
   */
  holds(shard: ShardId, record: SequenceNumber, ageMs: number): Promise<boolean>;
  /** Reads a closed shard from a place to its end, in batches. */
  readToEnd(shard: ShardId, place: LogPlace): AsyncIterable<readonly StreamRecord[]>;
  /** The shards that were split or merged into this one, whether or not the stream still lists them: none, one or two. */
  parentsOf(shard: ShardId): Promise<readonly ShardId[]>;
  /** Whether the stream still lists a shard; an unlisted shard holds no records. */
  lists(shard: ShardId): Promise<boolean>;
}

/** A shard and those that were split or merged into it, whether or not the stream still lists them. */
export interface ListedShard {
  readonly shard: ShardId;
  readonly parents: readonly ShardId[];
}

/** Lists the stream's shards. */
export interface ShardDirectory {
  shards(): Promise<readonly ListedShard[]>;
}

/** How complete counts are, for everyone who must not contradict it. */
export interface WatermarkReader {
  /** The published watermark; `NO_WATERMARK` if there is none. */
  readWatermark(): Promise<Watermark>;
}

/** The ledger, for the aggregator. Reads are strongly consistent except for ids, whose absence is an error. */
export interface SegmentLedger extends GenerationLedger, WatermarkReader {
  readHead(shard: ShardKey): Promise<Head | undefined>;
  /** Puts a plan on condition that the shard's head is `{ plan.segment - 1, sent }`, or that there is none for segment 1. */
  putPlan(shard: ShardKey, plan: Head): Promise<'planned' | 'conflict'>;
  /** Marks a head sent on condition `{ segment, planned }`; a failed condition means that it was done already. */
  markSent(shard: ShardKey, sent: Head): Promise<void>;
  /** Adds the shard to the list of shards in the ledger; repeatable. */
  registerShard(shard: ShardKey): Promise<void>;
  /** Stores a segment's packed ids; repeatable. */
  putIds(shard: ShardKey, segment: number, ids: Uint8Array): Promise<void>;
  /** Entries from `from` down to `downTo`, latest first, as far as a dedup window needs them. */
  windowEntries(shard: ShardKey, from: number, downTo: number): AsyncIterable<WindowEntry>;
  /**
   * The packed ids of adjacent segments, in the order of their entries.
   * @throws MissingLedgerItem when some are missing
   */
  readIds(shard: ShardKey, entries: readonly WindowEntry[]): Promise<readonly Uint8Array[]>;
  /** Puts an entry if the segment has none. @returns the existing entry, if there is one */
  putEntryIfAbsent(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry | undefined>;
  /** Marks a segment lost: updates its entry, or puts `entry` if it has none. Repeatable. @returns the resulting entry */
  markLost(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry>;
  /** Records that the stream may have trimmed records after a known one; recording a gap again may extend it. Repeatable. */
  recordGap(shard: ShardKey, gap: StreamGap): Promise<'noted' | 'known'>;
}

/** The ledger's list of generations, and the ends of shards in them. Reads are strongly consistent. */
export interface GenerationLedger {
  /** The shards in the ledger, of every generation. */
  shards(): Promise<readonly ShardKey[]>;
  /** Oldest first; empty in a ledger that predates the list. */
  readGenerations(): Promise<readonly Generation[]>;
  /** Puts the list on condition that the existing one has `length` generations. */
  putGenerations(generations: readonly Generation[], length: number): Promise<'put' | 'conflict'>;
  /** Ends a head on condition that it is `{ ended.segment, sent }`, or that there is none for segment 0. */
  endHead(shard: ShardKey, ended: Head): Promise<'ended' | 'conflict'>;
}

/** A stretch of a shard that can no longer be read. */
export interface StreamGap {
  /** The last record in a segment. */
  readonly after: SequenceNumber;
  /** The oldest record that was still readable. */
  readonly before: SequenceNumber;
  readonly noticedAtMs: number;
}

/** What can be noted about an unacknowledged part: where it waits, that it is back in flight, or that it was given up. */
export type NotedPlace = 'dead' | 'parked' | 'returned' | 'discarded';

/** The ledger, for the writer and redrive. */
export interface PartLedger extends WatermarkReader {
  /**
   * Records that parts of one segment are stored, if the segment has an entry.
   * @returns the entry before the update; undefined when there is none
   */
  acknowledge(segment: SegmentId, parts: readonly number[]): Promise<SegmentEntry | undefined>;
  /** Records where unacknowledged parts were last seen, if the segment has an entry. */
  notePlace(segment: SegmentId, parts: readonly number[], place: NotedPlace): Promise<void>;
  /**
   * Records how many events of a part arrived after the minutes' retention, unless the part is acknowledged: then this is a
   * copy of what is counted already. Repeatable.
   */
  noteExpired(name: PartName, events: number): Promise<'noted' | 'acknowledged' | 'no-entry'>;
}

/** The stream, for the status. */
export interface UnreadLog {
  /** Counts the events from a place on, in one short read. */
  countFrom(shard: ShardId, place: LogPlace): Promise<Unread>;
}

/** The ledger, for the accountant and the status. */
export interface CheckpointLedger extends WatermarkReader {
  shards(): Promise<readonly ShardKey[]>;
  readHead(shard: ShardKey): Promise<Head | undefined>;
  readCheckpoint(shard: ShardKey): Promise<Checkpoint>;
  /** Puts a checkpoint on condition that the existing one is one revision older. */
  putCheckpoint(shard: ShardKey, checkpoint: Checkpoint): Promise<'put' | 'conflict'>;
  /** Records that the stream may have trimmed records after a known one. Repeatable. */
  recordGap(shard: ShardKey, gap: StreamGap): Promise<'noted' | 'known'>;
  /** Publishes a watermark on condition that the existing one is one revision older. */
  putWatermark(watermark: Watermark): Promise<'put' | 'conflict'>;
  /** Entries after `after`, ascending, up to `through`. */
  entriesUp(shard: ShardKey, after: number, through: number): AsyncIterable<SegmentEntry>;
  /** The entries of the given segments; missing ones are omitted. */
  readEntries(shard: ShardKey, segments: readonly number[]): Promise<readonly SegmentEntry[]>;
}

/** The ledger, for the compactor: which entries may expire. */
export interface EntryKeeper {
  /** Takes an entry's expiry away, and notes the parts whose deltas have none either. Repeatable. @returns the entry now */
  keepEntry(segment: SegmentId, parts: ReadonlySet<number>): Promise<SegmentEntry | undefined>;
  /** Gives an entry its expiry from now on, and forgets the parts that were noted. @param hasKept whether there are any */
  expireEntry(segment: SegmentId, hasKept: boolean): Promise<void>;
}

/** The queue between aggregator and writer. */
export interface RollupQueue {
  /** Sends all messages, with retries, until each is reported sent. @throws when some cannot be sent */
  send(messages: readonly RollupMessage[]): Promise<void>;
}

/** Stores rejected events. */
export interface RejectedArchive {
  /** Stores a segment's rejected events under its name; repeatable. */
  keepRejected(segment: SegmentId, rejected: readonly RejectedEvent[]): Promise<void>;
}

/** Stores deltas with rows past the minutes' retention. */
export interface ExpiredArchive {
  /** Stores a delta under its name; repeatable. */
  keepExpired(delta: Delta): Promise<void>;
}

/** Whether store and ledger respond. */
export interface TableHealth {
  isHealthy(): Promise<boolean>;
}

/** The current retry policy; the last valid one when the parameter is missing or invalid. */
export interface RetryPolicySource {
  current(): Promise<RetryPolicy>;
}

/** The stream, for the canary. */
export interface HeartbeatStream {
  /** The shards that accept records. */
  openShards(): Promise<readonly OpenShard[]>;
  /** Puts each record on the shard that has its hash key. @returns those that the stream did not accept */
  put(heartbeats: readonly Heartbeat[]): Promise<readonly Heartbeat[]>;
}

/** The counts, as seen by a client of the API. */
export interface MinuteCountsReader {
  /** A counter's minutes in `fromMs <= start < toMs`, epoch milliseconds on whole minutes. @throws when the API returns no counts */
  readMinutes(metric: string, entity: string, fromMs: number, toMs: number): Promise<MinuteCounts>;
}

/** The archive, for deletions. */
export interface ArchiveCleaner {
  /** The keys of all objects. */
  keys(): AsyncIterable<string>;
  read(key: string): Promise<string>;
  /** Replaces an object, its older versions included. Repeatable. */
  rewrite(key: string, text: string): Promise<void>;
  /** Deletes an object, its older versions included. Repeatable. */
  remove(key: string): Promise<void>;
  /** Stores a record of a deletion. */
  keepDeletion(entityHash: string, nowMs: number, report: object): Promise<void>;
}

export type Pause = (ms: number) => Promise<void>;
