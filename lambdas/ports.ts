// The ports of the use cases: what they need from the world outside, as types only.

import type { Difference, ExpectedItem, StoredItem } from './counting/audit.ts';
import type { AuditState, UnauditedReason } from './counting/audit-state.ts';
import type { Books } from './counting/books.ts';
import type { Heartbeat, MinuteCounts, OpenShard } from './counting/canary.ts';
import type { CounterItem, CounterKey, CounterUpdate } from './counting/counter-item.ts';
import type { DeletedEntities } from './counting/deleted-entities.ts';
import type { PartName, SegmentId, SequenceNumber, ShardId, ShardKey } from './counting/identifiers.ts';
import type { LevelCursor } from './counting/level-cursor.ts';
import type {
  Claims,
  CompactedLevel,
  LevelChange,
  LevelClaim,
  LevelItem,
  LevelName,
} from './counting/levels.ts';
import type { MessageHistory } from './counting/message-history.ts';
import type { RetryPolicy } from './counting/retry-policy.ts';
import type { RejectedEvent } from './counting/rollup.ts';
import type { RollupContent, RollupMessage } from './counting/rollup-message.ts';
import type { Head, StreamRecord } from './counting/segment.ts';
import type { SegmentEntry } from './counting/segment-entry.ts';
import type { TopList } from './counting/top-list.ts';
import type { TopName } from './counting/top-name.ts';

/** The wall clock, epoch milliseconds. */
export interface Clock {
  nowMs(): number;
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
  /** Reads a closed shard from after `after` (undefined: from the oldest record) to its end, in batches. */
  readToEnd(shard: ShardId, after: SequenceNumber | undefined): AsyncIterable<readonly StreamRecord[]>;
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

/** The ledger as the aggregator uses it. Reads are strongly consistent but for ids, whose absence is an error. */
export interface SegmentLedger {
  readHead(shard: ShardKey): Promise<Head | undefined>;
  /** Puts a plan on condition that the shard's head is `{ plan.segment - 1, sent }`, or that there is none for segment 1. */
  putPlan(shard: ShardKey, plan: Head): Promise<'planned' | 'conflict'>;
  /** Marks a head sent on condition `{ segment, planned }`; a failed condition means that it is done already. */
  markSent(shard: ShardKey, sent: Head): Promise<void>;
  /** Lists the shard among those that have a ledger; repeatable. */
  registerShard(shard: ShardKey): Promise<void>;
  /** Keeps a segment's packed ids; repeatable. */
  putIds(shard: ShardKey, segment: number, ids: Uint8Array): Promise<void>;
  /** A segment's packed ids. @throws MissingLedgerItem when they are not all there */
  readIds(shard: ShardKey, entry: Pick<SegmentEntry, 'segment' | 'idBytes'>): Promise<Uint8Array>;
  /** Keeps the counters that a segment touches, chunk by chunk; repeatable. */
  putTouched(shard: ShardKey, segment: number, chunks: readonly string[]): Promise<void>;
  /** Puts an entry if the segment has none. @returns the entry that is there already, if there is one */
  putEntryIfAbsent(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry | undefined>;
  /** Marks a segment lost: its entry if it has one, else `entry` is put. Repeatable. @returns the entry as it is then */
  markLost(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry>;
  /** Entries from `from` down to 1, latest first. */
  entriesDown(shard: ShardKey, from: number): AsyncIterable<SegmentEntry>;
  /** Notes that the stream may have trimmed records after a known one; a gap that is noted again may grow. Repeatable. */
  recordGap(shard: ShardKey, gap: StreamGap): Promise<'noted' | 'known'>;
}

/** A stretch of a shard that nobody can read any more. */
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
   * Notes that parts of one segment are in the counter items, if the segment has an entry.
   * @returns the entry as it was before; undefined when there is none
   */
  acknowledge(segment: SegmentId, parts: readonly number[]): Promise<SegmentEntry | undefined>;
  /** Notes where an unacknowledged part was last seen, if the segment has an entry. */
  notePlace(name: PartName, place: NotedPlace): Promise<void>;
  /**
   * Notes how many events of a part came after their counter items' expiry, unless the part is acknowledged: then this is a
   * copy of what is counted already. Repeatable.
   */
  noteExpired(name: PartName, events: number): Promise<'noted' | 'acknowledged' | 'no-entry'>;
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
  /** Raises the published `completeThrough` unless it is there already. @returns the one in force, epoch milliseconds */
  raiseClaim(throughMs: number): Promise<number>;
  /** Entries after `after`, ascending, up to `through`. */
  entriesUp(shard: ShardKey, after: number, through: number): AsyncIterable<SegmentEntry>;
  /** The entries of the named segments; missing ones are left out. */
  readEntries(shard: ShardKey, segments: readonly number[]): Promise<readonly SegmentEntry[]>;
}

/** The queue between aggregation and writing. */
export interface RollupQueue {
  /** Sends every message, again and again until each is reported sent. @throws when some can not be sent */
  send(messages: readonly RollupMessage[]): Promise<void>;
}

/** Where rejected events are kept. */
export interface RejectedArchive {
  /** Keeps a segment's rejected events under its name; repeatable. */
  keepRejected(segment: SegmentId, rejected: readonly RejectedEvent[]): Promise<void>;
}

/** Where rows are kept that came after their counter items' expiry. */
export interface ExpiredArchive {
  /** Keeps a part's expired rows under its name; repeatable. */
  keepExpired(content: RollupContent): Promise<void>;
}

/** The counter items as the writer uses them. */
export interface CounterStore {
  /**
   * Applies an update if its item has none of its segments.
   * @returns the segments that the item has already, if it has any; nothing was applied then
   */
  apply(update: CounterUpdate): Promise<'applied' | ReadonlySet<string>>;
}

/** The counter items as the query uses them. */
export interface CounterReader {
  /** The items of one counter whose bucket starts in `fromMs <= start < toMs`, by time. Bounds are epoch milliseconds. */
  items(metric: string, entity: string, fromMs: number, toMs: number): AsyncIterable<CounterItem>;
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

/** What is published about completeness. */
export interface ClaimReader {
  /** Up to which arrivals everything is counted, and in the levels; strongly consistent. */
  readClaims(): Promise<Claims>;
}

/** The ledger as the compactor uses it, besides the entries: what segments touched, and how far the levels got. */
export interface LevelLedger extends ClaimReader {
  /** The chunks of touched counters that are kept beside an entry; undefined when one of them is gone. */
  readTouched(
    shard: ShardKey,
    entry: Pick<SegmentEntry, 'segment' | 'touchedChunks'>,
  ): Promise<readonly string[] | undefined>;
  /** Keeps an entry's touched counters for ever: what waits for an operator may wait longer than entries are kept. */
  keepTouched(shard: ShardKey, entry: Pick<SegmentEntry, 'segment' | 'touchedChunks'>): Promise<void>;
  readCursor(shard: ShardKey, level: CompactedLevel): Promise<LevelCursor>;
  /** Puts a cursor on condition that the one there is one revision older. */
  putCursor(shard: ShardKey, level: CompactedLevel, cursor: LevelCursor): Promise<'put' | 'conflict'>;
  /** Raises what is claimed of a level, each of the two unless it is there already. */
  raiseLevelClaim(level: CompactedLevel, claim: LevelClaim): Promise<void>;
}

/** The levels as queries read them; strongly consistent. */
export interface LevelReader {
  /** One item; undefined when there is none. */
  readLevel(name: LevelName): Promise<LevelItem | undefined>;
  /** The items of a counter that start in `fromMs <= start < toMs`, by time. */
  levelItems(
    counter: Pick<LevelName, 'metric' | 'entity'> & { readonly level: CompactedLevel },
    fromMs: number,
    toMs: number,
  ): AsyncIterable<LevelItem>;
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

/** The levels as the compactor uses them. */
export interface LevelStore extends LevelReader {
  /** Sets sums on condition that the item still has the revision with which it was read. */
  setSums(change: LevelChange): Promise<'set' | 'conflict'>;
}

/** A top list as it is kept. */
export interface StoredTop {
  readonly list: TopList;
  /** Grows by one with every change, from 1; 0 when there is no list yet. */
  readonly revision: number;
  /** When it may be deleted, epoch seconds; undefined: never. */
  readonly expiresAt: number | undefined;
}

/** The top lists as queries read them; strongly consistent. */
export interface TopReader {
  /** An empty list of revision 0 when there is none. */
  readTop(name: TopName): Promise<StoredTop>;
}

/** The index of open hours, where a stage has it; eventually consistent. */
export interface OpenHours {
  /** The entities that have most of a metric in an open hour, at most `max`, first ones first. */
  leaders(metric: string, hourMs: number, max: number): Promise<readonly string[]>;
}

/** The top lists as the compactor uses them. */
export interface TopStore extends TopReader {
  /** Puts a list on condition that the one there is one revision older. */
  putTop(name: TopName, top: StoredTop): Promise<'put' | 'conflict'>;
}

/** The top lists as a deletion goes through them. */
export interface EntityTops extends Pick<TopStore, 'readTop' | 'putTop'> {
  /** Every list of a metric. */
  topsOf(metric: string): AsyncIterable<{ readonly name: TopName; readonly top: StoredTop }>;
}

/** A rollup message as the queue delivers it. */
export interface DeliveredMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** How often it was delivered since it was sent, this time included. */
  readonly receiveCount: number;
  readonly history: MessageHistory | undefined;
}

/** What the writer does with messages that it could not write. */
export interface FailedMessages {
  /** Hides a message for a while before it is delivered again. */
  delay(message: DeliveredMessage, delayMs: number): Promise<void>;
  /** Sends a copy to the dead-letter queue with its history. */
  bury(message: DeliveredMessage, history: MessageHistory): Promise<void>;
}

/** A message without what ties it to a receive. */
export type Letter = Pick<DeliveredMessage, 'messageId' | 'body'>;

/** The dead-letter queue as redrive uses it. */
export interface DeadLetters {
  /** Takes up to `most` dead letters, ten at most; they are hidden for a while. Empty when there seem to be none. */
  take(most: number): Promise<readonly DeliveredMessage[]>;
  /** Sends a dead letter back to the rollup queue, to be delivered after a delay. */
  giveBack(message: Letter, history: MessageHistory, delayMs: number): Promise<void>;
  /** Keeps a dead letter in the archive with its history; repeatable. */
  park(message: DeliveredMessage, history: MessageHistory): Promise<void>;
  /** Deletes a dead letter that was given back or parked. */
  remove(message: DeliveredMessage): Promise<void>;
}

/** A dead letter in the archive. */
export interface ParkedLetter {
  /** `SEGMENT/PART`, or `poison/MESSAGE`. */
  readonly name: string;
  readonly body: string;
  readonly history: MessageHistory;
}

/** Who gave a dead letter up, when (ISO 8601), and why. */
export interface Discarding {
  readonly by: string;
  readonly at: string;
  readonly why: string;
}

/** The parked dead letters in the archive, as an operator handles them. */
export interface ParkedLetters {
  /** The names of all of them. */
  names(): AsyncIterable<string>;
  /** @returns undefined when there is none of that name */
  read(name: string): Promise<ParkedLetter | undefined>;
  /** Keeps a letter that is given up under `discarded/` and its name; repeatable. */
  keepDiscarded(letter: ParkedLetter, discarding: Discarding): Promise<void>;
  /** Deletes a parked letter; repeatable. */
  remove(name: string): Promise<void>;
}

/** Whether the tables answer that a rollup message needs: its counter items, and the ledger that acknowledges it. */
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
  /** Puts each record on the shard that has its hash key. @returns those that the stream did not take */
  put(beats: readonly Heartbeat[]): Promise<readonly Heartbeat[]>;
}

/** The counts as a client of the API sees them. */
export interface MinuteCountsReader {
  /** A counter's minutes in `fromMs <= start < toMs`, epoch milliseconds on whole minutes. @throws when the API has none to give */
  readMinutes(metric: string, entity: string, fromMs: number, toMs: number): Promise<MinuteCounts>;
}

/** Which entities were deleted on request, without their names. */
export interface DeletionRegister {
  /** Notes that what arrived until `throughMs` (epoch milliseconds) may be gone. Repeatable; the last one holds. */
  noteDeletion(entityHash: string, throughMs: number): Promise<void>;
  deletions(): Promise<DeletedEntities>;
}

/** The counter table's items as a deletion sees them. */
export interface EntityCounters {
  /** Every item of an entity, page by page; `events` is 0 where an item does not say. Strongly consistent. */
  itemsOf(entity: string): AsyncIterable<readonly { readonly key: CounterKey; readonly events: number }[]>;
  /** Deletes items; repeatable. */
  remove(keys: readonly CounterKey[]): Promise<void>;
}

/** The archive as a deletion goes through it. */
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
