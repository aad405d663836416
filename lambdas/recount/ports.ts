// What a recount needs, and what it finds. Types only.
import type { DeltaName } from '../core/delta.ts';
import type { ShardKey } from '../core/identifiers.ts';
import type { Level, Period, Retentions } from '../core/level.ts';
import type { BooksLedger, Clock, SegmentLedger } from '../ports.ts';
import type { SegmentSource, UnreadReason } from '../raw-ports.ts';
import type {
  BlockReader,
  BlockWriter,
  CompactionStateStore,
  DeltaReader,
  DeltaWriter,
  LateRewriter,
  LateStore,
  PeriodReader,
  TopStore,
} from '../store/ports.ts';

/** Hours that are counted again: `fromMs <= start < toMs`, epoch milliseconds on whole hours. */
export interface HourRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Every hour. */
export const ALL_HOURS: HourRange = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

/** Why a segment could not be produced again. */
export type UnknownReason =
  | UnreadReason
  | 'lost'
  | 'no-entry'
  | 'rollup-version'
  | 'ids-expired'
  | 'produced-differently';

/** Segments of one shard of which nothing is known, and the times that they may have added to. */
export interface UnknownSegments extends HourRange {
  readonly shard: ShardKey;
  readonly first: number;
  readonly last: number;
  readonly reason: UnknownReason;
}

/** One figure that is not what it should be. */
export interface Difference {
  /** Where: a block's level, rows put aside for an upper level, or a delta that is not compacted. */
  readonly in: Level | 'late' | 'delta';
  /** The block's period, the level of late rows, or the delta's segment and part. */
  readonly of: string;
  readonly metric: string;
  readonly entity: string;
  /** The start of the cell, ISO 8601; `events` for the number of events, `absent` for a delta that is missing. */
  readonly at: string;
  readonly expected: string;
  readonly stored: string;
}

/** A shard that two generations have counted. */
export interface CountedTwice {
  readonly shard: string;
  /** Segments of either generation that have records in common. */
  readonly segments: readonly [string, string];
}

/** How many figures of a level were compared: each is what one (metric, entity) has in one cell, of either side. */
export interface ComparedFigures {
  compared: number;
  /** In cells whose time the hours cover in part only. */
  partly: number;
  /** In cells that unknown segments may have added to. */
  unknown: number;
}

/** A period whose blocks were repaired, and whose top lists are not made yet. */
export interface TopsDue {
  readonly level: Level;
  readonly startMs: number;
  readonly metrics: readonly string[];
}

/** What was found, and how far the work is: everything that is needed to go on. Plain JSON. */
export interface RecountState {
  readonly v: 1;
  /** What is recounted: whoever goes on must mean the same. */
  readonly what: string;
  readonly range: HourRange;
  /** Rows are set aside in 2^bits parts by hash. */
  readonly bits: number;
  readonly shards: Record<string, ShardProgress>;
  /** Bytes of rows set aside, by part. */
  spilled: readonly number[];
  /** Rows are compared from this part on. */
  part: number;
  topsDue: TopsDue[];
  readonly found: Findings;
}

/** How far a shard is. */
export interface ShardProgress {
  /** The first segment that may have added to the hours, and the next one to be looked at. */
  readonly from: number;
  next: number;
  /** Sequence numbers that were looked at. */
  hull: { readonly first: string; readonly last: string } | undefined;
  /** Segments with a part that was neither stored nor given up when they were produced. */
  unsettled: number[];
}

/** What was found so far. */
export interface Findings {
  /** Segments that were produced again, and their events. */
  segments: number;
  events: number;
  readonly unknown: UnknownSegments[];
  /** The first of the differences, and how many there are. */
  readonly differences: Difference[];
  differing: number;
  /** Differences that were put right. */
  repaired: number;
  readonly twice: CountedTwice[];
  readonly figures: Record<Level, ComparedFigures>;
  /** Deltas that were compared, since they are not compacted. */
  deltas: number;
  /** Why compaction can't go on, if it can't. */
  stuck: string | undefined;
  /** Parts that compaction never left alone for long enough. */
  restless: number;
}

/** Rows set aside by part, on disk. */
export interface RowSpill {
  /** Takes a frame up; it is kept by the next flush. */
  append(part: number, frame: Uint8Array): void;
  /** Bytes that wait for a flush. */
  readonly waiting: number;
  /** Keeps what was taken up before the call. @returns bytes kept by part */
  flush(): Promise<readonly number[]>;
  /** All frames of a part that are kept, in order. */
  frames(part: number): AsyncIterable<Uint8Array>;
}

/** Deltas as a repair changes them. */
export interface DeltaRepairer extends DeltaWriter {
  /** Replaces a delta's rows if they are as read. @param rows undefined: a tombstone takes its place */
  replaceDelta(
    name: DeltaName,
    before: Uint8Array,
    rows: Uint8Array | undefined,
  ): Promise<'replaced' | 'conflict'>;
}

/** Where repairs leave their trace. */
export interface RepairArchive {
  /** Keeps what is about to be changed under a name that follows from it. Repeatable. */
  keepRepair(name: string, lines: readonly object[]): Promise<void>;
}

/** What a recount needs. */
export interface RecountPorts {
  readonly ledger: BooksLedger & SegmentLedger;
  readonly source: SegmentSource;
  readonly state: Pick<CompactionStateStore, 'readState' | 'readDeletions'>;
  readonly store: DeltaReader & BlockReader & Pick<LateStore, 'lateRows'>;
  readonly periods: PeriodFinder;
  readonly compaction: PlanFinisher;
  readonly spill: RowSpill;
  readonly clock: Clock;
  /** Undefined: nothing is changed. */
  readonly repair: RepairPorts | undefined;
}

/** What a repair needs besides. */
export interface RepairPorts {
  readonly store: BlockReader & BlockWriter & PeriodReader & TopStore;
  readonly deltas: DeltaRepairer;
  readonly late: LateRewriter & Pick<LateStore, 'putLate'>;
  readonly archive: RepairArchive;
}

/** Finds the periods that have blocks. */
export interface PeriodFinder {
  periodsOf(level: Level): Promise<readonly Period[]>;
}

/** Finishes plans of compaction that are under way. */
export interface PlanFinisher {
  /** @returns why one can't be finished: its deltas are missing; undefined when none is under way any more */
  finishPlans(): Promise<string | undefined>;
}

/** How a recount works. */
export interface RecountSettings {
  readonly retentions: Retentions;
  /** Rows of blocks are read for so many periods together. */
  readonly periodsAtOnce: number;
  /** A part is compared anew at most so often when compaction moved meanwhile. */
  readonly attemptsMax: number;
  /** Largest block, in bytes of `rowBytes`, when a repair has to split one. */
  readonly blockBytes: number;
  /** Events in a part, which bounds memory. */
  readonly partEvents: number;
}

/** What was done so far, for whoever waits. */
export interface RecountProgress {
  readonly phase: 'look' | 'rebuild' | 'produce' | 'compare';
  readonly done: number;
  readonly of: number;
}

/** What happens on the way. */
export interface RecountHooks {
  /** Keeps the state, so that the work can go on from it. */
  save(state: RecountState): Promise<void>;
  onProgress(progress: RecountProgress): void;
}
