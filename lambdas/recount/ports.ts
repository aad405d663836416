// A recount's ports, state and findings.
import type { ShardKey } from '../core/identifiers.ts';
import type { Level, Period, Retentions } from '../core/level.ts';
import type { CheckpointLedger, Clock, ExpiredArchive, PartLedger, SegmentLedger } from '../ports.ts';
import type { SegmentSource, UnreadReason } from '../raw-ports.ts';
import type {
  BlockReader,
  BlockWriter,
  CompactionStateStore,
  DeltaReader,
  DeltaWriter,
  LateRegister,
  LateStore,
  PeriodReader,
  RowRewriter,
  TopStore,
} from '../store/ports.ts';

/** The hours to recount: `fromMs <= start < toMs`, epoch milliseconds on whole hours. */
export interface HourRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export const ALL_HOURS: HourRange = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

/** Whether two ranges overlap. */
export function overlaps(a: HourRange, b: HourRange): boolean {
  return a.fromMs < b.toMs && b.fromMs < a.toMs;
}

/** Whether a range contains an instant. */
export function contains({ fromMs, toMs }: HourRange, atMs: number): boolean {
  return fromMs <= atMs && atMs < toMs;
}

/** Why a segment could not be reproduced. */
export type UnknownReason =
  | UnreadReason
  | 'lost'
  | 'no-entry'
  | 'rollup-version'
  | 'ids-expired'
  | 'produced-differently';

/** Segments of one shard whose contents are unknown, and the times they may have added to. */
export interface UnknownSegments extends HourRange {
  readonly shard: ShardKey;
  readonly first: number;
  readonly last: number;
  readonly reason: UnknownReason;
}

/** One stored figure that differs. */
export interface Difference {
  /** Where: a block's level, rows set aside for an upper level, or an uncompacted delta. */
  readonly in: Level | 'late' | 'delta';
  /** The block's period, the level of late rows, or the delta's segment and part. */
  readonly of: string;
  readonly metric: string;
  readonly entity: string;
  /** The start of the cell, ISO 8601; `events` for the number of events, `absent` for a missing delta. */
  readonly at: string;
  readonly expected: string;
  readonly stored: string;
}

/** A shard that two generations have counted. */
export interface CountedTwice {
  readonly shard: string;
  /** Segments of both generations that have records in common. */
  readonly segments: readonly [string, string];
}

/** Number of figures compared at a level: each is one (metric, entity) in one cell, stored or produced. */
export interface ComparedFigures {
  compared: number;
  /** In cells that the hours cover only partly. */
  partly: number;
  /** In cells that unknown segments may have added to. */
  unknown: number;
}

/** A period whose blocks were repaired, and whose top lists are not recomputed yet. */
export interface TopsDue {
  readonly level: Level;
  readonly startMs: number;
  readonly metrics: readonly string[];
}

/** Findings and progress: everything needed to resume. Plain JSON. */
export interface RecountState {
  readonly v: 1;
  /** What is recounted: a resumed run must match. */
  readonly what: string;
  readonly range: HourRange;
  /** Rows are spilled into 2^bits parts by hash. */
  readonly bits: number;
  readonly shards: Record<string, ShardProgress>;
  /** Bytes of spilled rows, by part. */
  spilled: readonly number[];
  /** The next part to compare. */
  part: number;
  topsDue: TopsDue[];
  readonly found: Findings;
}

/** The progress of a shard. */
export interface ShardProgress {
  /** The first segment that may have added to the hours, and the next one to process. */
  readonly from: number;
  next: number;
  /** The range of sequence numbers processed. */
  hull: { readonly first: string; readonly last: string } | undefined;
  /** Segments with a part that was neither stored nor given up when they were produced. */
  unsettled: number[];
}

/** How much was compared. */
export interface ComparedSoFar {
  readonly figures: Record<Level, ComparedFigures>;
  /** Uncompacted deltas compared. */
  deltas: number;
}

export interface Findings extends ComparedSoFar {
  /** Segments reproduced, and their events. */
  segments: number;
  events: number;
  readonly unknown: UnknownSegments[];
  /** The first differences, and how many there are in total. */
  readonly differences: Difference[];
  differing: number;
  /** Differences repaired. */
  repaired: number;
  readonly twice: CountedTwice[];
  /** Why compaction cannot proceed, if it cannot. */
  stuck: string | undefined;
  /** Parts that could not be compared because compaction kept advancing. */
  restless: number;
}

/** Rows spilled to disk by part. */
export interface RowSpill {
  /** Buffers a frame until the next flush. */
  append(part: number, frame: Uint8Array): void;
  /** Bytes buffered. */
  readonly waiting: number;
  /** Writes what was buffered before the call. @returns bytes written, by part */
  flush(): Promise<readonly number[]>;
  /** All written frames of a part, in order. */
  frames(part: number): AsyncIterable<Uint8Array>;
}

/** Where repairs are recorded. */
export interface RepairArchive {
  /** Records what is about to change, under a name derived from it. Repeatable. */
  keepRepair(name: string, lines: readonly object[]): Promise<void>;
}

export interface RecountPorts {
  readonly ledger: CheckpointLedger & SegmentLedger;
  readonly source: SegmentSource;
  readonly state: Pick<CompactionStateStore, 'readState' | 'readDeletions'>;
  readonly store: DeltaReader & BlockReader & Pick<LateStore, 'lateRows'>;
  readonly periods: PeriodFinder;
  /** Finishes compaction plans in progress. @returns why one cannot be finished: its deltas are missing */
  finishPlans(): Promise<string | undefined>;
  readonly spill: RowSpill;
  readonly clock: Clock;
  /** Undefined: compare only. */
  readonly repair: RepairPorts | undefined;
}

/** Additional ports of a repair. */
export interface RepairPorts {
  readonly store: BlockReader &
    BlockWriter &
    PeriodReader &
    TopStore &
    DeltaWriter &
    Pick<LateStore, 'putLate'>;
  readonly rewriter: RowRewriter;
  readonly ledger: Pick<PartLedger, 'acknowledge' | 'notePlace' | 'noteExpired'>;
  readonly state: LateRegister;
  readonly archive: RepairArchive;
  readonly expired: ExpiredArchive;
}

/** Lists the periods that have blocks. */
export interface PeriodFinder {
  periodsOf(level: Level): Promise<readonly Period[]>;
}

export interface RecountSettings {
  readonly retentions: Retentions;
  /** How many periods' blocks are read together. */
  readonly periodsAtOnce: number;
  /** Maximum size of a block, in bytes of `rowBytes`, when a repair has to split one. */
  readonly blockBytes: number;
  /** Events in a part, which bounds memory. */
  readonly partEvents: number;
}

/** Progress for display. */
export interface RecountProgress {
  readonly phase: 'look' | 'rebuild' | 'produce' | 'compare';
  readonly done: number;
  readonly of: number;
}

export interface RecountHooks {
  /** Saves the state, so that the work can resume from it. */
  save(state: RecountState): Promise<void>;
  onProgress(progress: RecountProgress): void;
}
