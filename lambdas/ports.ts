// Ports of the use cases, as types only.

import type { Books } from './core/books.ts';
import type { Heartbeat, MinuteCounts, OpenShard } from './core/canary.ts';
import type { Claim } from './core/claim.ts';
import type { Delta } from './core/delta.ts';
import type { Generation, LogPlace } from './core/generation.ts';
import type { PartName, SegmentId, SequenceNumber, ShardId, ShardKey } from './core/identifiers.ts';
import type { Unread } from './core/pipeline-status.ts';
import type { RetryPolicy } from './core/retry-policy.ts';
import type { RejectedEvent } from './core/rollup.ts';
import type { RollupMessage } from './core/rollup-message.ts';
import type { Head, StreamRecord } from './core/segment.ts';
import type { SegmentEntry, WindowEntry } from './core/segment-entry.ts';

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

/** A range of a shard as the stream still holds it. */
export interface LogRange {
  readonly records: readonly StreamRecord[];
  /** True when the stream no longer holds the start of the range. */
  readonly trimmed: boolean;
}

/** The replayable log: the Kinesis stream. */
export interface StreamLog {
  /** Reads `first..last`, both included, paging past empty pages until past `last` or at the shard's end. */
  readRange(shard: ShardId, first: SequenceNumber, last: SequenceNumber): Promise<LogRange>;
  /** Reads a closed shard from a place to its end, in batches. */
  readToEnd(shard: ShardId, place: LogPlace): AsyncIterable<readonly StreamRecord[]>;
  /** The shards that were split or merged into this one, whether the stream still lists them or not: none, one or two. */
  parentsOf(shard: ShardId): Promise<readonly ShardId[]>;
  /** Whether the stream still lists a shard; one that it does not holds nothing any more. */
  lists(shard: ShardId): Promise<boolean>;
}

/** A shard and those that were split or merged into it, whether the stream still lists them or not. */
export interface ListedShard {
  readonly shard: ShardId;
  readonly parents: readonly ShardId[];
}

/** Which shards the stream has. */
export interface ShardDirectory {
  shards(): Promise<readonly ListedShard[]>;
}

/** The ledger as the aggregator uses it. Reads are strongly consistent but for ids, whose absence is an error. */
export interface SegmentLedger extends GenerationLedger {
  readHead(shard: ShardKey): Promise<Head | undefined>;
  /** Puts a plan on condition that the shard's head is `{ plan.segment - 1, sent }`, or that there is none for segment 1. */
  putPlan(shard: ShardKey, plan: Head): Promise<'planned' | 'conflict'>;
  /** Marks a head sent on condition `{ segment, planned }`; a failed condition means that it is done already. */
  markSent(shard: ShardKey, sent: Head): Promise<void>;
  /** Lists the shard among those that have a ledger; repeatable. */
  registerShard(shard: ShardKey): Promise<void>;
  /** Keeps a segment's packed ids; repeatable. */
  putIds(shard: ShardKey, segment: number, ids: Uint8Array): Promise<void>;
  /** Entries from `from` down to `downTo`, latest first, as far as a dedup window needs them. */
  windowEntries(shard: ShardKey, from: number, downTo: number): AsyncIterable<WindowEntry>;
  /**
   * The packed ids of neighbouring segments, in the order of their entries.
   * @throws MissingLedgerItem when they are not all there
   */
  readIds(shard: ShardKey, entries: readonly WindowEntry[]): Promise<readonly Uint8Array[]>;
  /** Puts an entry if the segment has none. @returns the entry that is there already, if there is one */
  putEntryIfAbsent(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry | undefined>;
  /** Marks a segment lost: its entry if it has one, else `entry` is put. Repeatable. @returns the entry as it is then */
  markLost(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry>;
  /** Notes that the stream may have trimmed records after a known one; a gap that is noted again may grow. Repeatable. */
  recordGap(shard: ShardKey, gap: StreamGap): Promise<'noted' | 'known'>;
}

/** The ledger's list of generations, and the end of a shard in one of them. Reads are strongly consistent. */
export interface GenerationLedger {
  /** The shards that have a ledger, of every generation. */
  shards(): Promise<readonly ShardKey[]>;
  /** Oldest first; none in a ledger from before they were listed. */
  readGenerations(): Promise<readonly Generation[]>;
  /** Puts the list on condition that the one there has `length` generations. */
  putGenerations(generations: readonly Generation[], length: number): Promise<'put' | 'conflict'>;
  /** Ends a head on condition that it is `{ ended.segment, sent }`, or that there is none for segment 0. */
  endHead(shard: ShardKey, ended: Head): Promise<'ended' | 'conflict'>;
}

/** A stretch of a shard that cannot be read any more. */
export interface StreamGap {
  /** The last record that a segment has. */
  readonly after: SequenceNumber;
  /** The oldest record that could still be read. */
  readonly before: SequenceNumber;
  readonly noticedAtMs: number;
}

/** What can be noted of an unacknowledged part: where it waits, that it is under way again, or that it was given up. */
export type NotedPlace = 'dead' | 'parked' | 'returned' | 'discarded';

/** The ledger as the writer and redrive use it. */
export interface PartLedger {
  /**
   * Notes that parts of one segment are stored, if the segment has an entry.
   * @returns the entry as it was before; undefined when there is none
   */
  acknowledge(segment: SegmentId, parts: readonly number[]): Promise<SegmentEntry | undefined>;
  /** Notes where unacknowledged parts were last seen, if the segment has an entry. */
  notePlace(segment: SegmentId, parts: readonly number[], place: NotedPlace): Promise<void>;
  /**
   * Notes how many events of a part came after the retention of minutes, unless the part is acknowledged: then this is a copy
   * of what is counted already. Repeatable.
   */
  noteExpired(name: PartName, events: number): Promise<'noted' | 'acknowledged' | 'no-entry'>;
  /** What is published; `NO_CLAIM` as long as nothing is. */
  readClaim(): Promise<Claim>;
}

/** The stream as the status reads it. */
export interface UnreadLog {
  /** Counts the events from a place on, in one short look. */
  countFrom(shard: ShardId, place: LogPlace): Promise<Unread>;
}

/** The ledger as the accountant and the status use it. */
export interface BooksLedger {
  shards(): Promise<readonly ShardKey[]>;
  readHead(shard: ShardKey): Promise<Head | undefined>;
  readBooks(shard: ShardKey): Promise<Books>;
  /** Puts books on condition that the ones there are one revision older. */
  putBooks(shard: ShardKey, books: Books): Promise<'put' | 'conflict'>;
  /** Notes that the stream may have trimmed records after a known one. Repeatable. */
  recordGap(shard: ShardKey, gap: StreamGap): Promise<'noted' | 'known'>;
  /** What is published; `NO_CLAIM` as long as nothing is. */
  readClaim(): Promise<Claim>;
  /** Publishes a claim on condition that the one there is one revision older. */
  putClaim(claim: Claim): Promise<'put' | 'conflict'>;
  /** Entries after `after`, ascending, up to `through`. */
  entriesUp(shard: ShardKey, after: number, through: number): AsyncIterable<SegmentEntry>;
  /** The entries of the named segments; missing ones are left out. */
  readEntries(shard: ShardKey, segments: readonly number[]): Promise<readonly SegmentEntry[]>;
}

/** The queue between aggregation and writing. */
export interface RollupQueue {
  /** Sends every message, again and again until each is reported sent. @throws when some cannot be sent */
  send(messages: readonly RollupMessage[]): Promise<void>;
}

/** Where rejected events are kept. */
export interface RejectedArchive {
  /** Keeps a segment's rejected events under its name; repeatable. */
  keepRejected(segment: SegmentId, rejected: readonly RejectedEvent[]): Promise<void>;
}

/** Keeps deltas with rows past the retention of minutes. */
export interface ExpiredArchive {
  /** Keeps a delta under its name; repeatable. */
  keepExpired(delta: Delta): Promise<void>;
}

/** Whether store and ledger answer. */
export interface TableHealth {
  isHealthy(): Promise<boolean>;
}

/** The retry policy in force; the last good one when the parameter is missing or wrong. */
export interface RetryPolicySource {
  current(): Promise<RetryPolicy>;
}

/** The stream as the canary uses it. */
export interface HeartbeatStream {
  /** The shards that take records. */
  openShards(): Promise<readonly OpenShard[]>;
  /** Puts each record on the shard that has its hash key. @returns those that the stream did not accept */
  put(beats: readonly Heartbeat[]): Promise<readonly Heartbeat[]>;
}

/** The counts as a client of the API sees them. */
export interface MinuteCountsReader {
  /** A counter's minutes in `fromMs <= start < toMs`, epoch milliseconds on whole minutes. @throws when the API has none to give */
  readMinutes(metric: string, entity: string, fromMs: number, toMs: number): Promise<MinuteCounts>;
}

/** The archive as a deletion rewrites it. */
export interface ArchiveCleaner {
  /** The keys of all objects. */
  keys(): AsyncIterable<string>;
  read(key: string): Promise<string>;
  /** Replaces an object, its older versions included. Repeatable. */
  rewrite(key: string, text: string): Promise<void>;
  /** Deletes an object, its older versions included. Repeatable. */
  remove(key: string): Promise<void>;
  /** Keeps a record of a deletion. */
  keepDeletion(entityHash: string, nowMs: number, report: object): Promise<void>;
}

/** Waits for some milliseconds. */
export type Pause = (ms: number) => Promise<void>;
