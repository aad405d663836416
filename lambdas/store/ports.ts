// The ports to the store: deltas, blocks, late rows, top lists, and the state of compaction. Types only.
import type { CompactionPlan, CompactionState, LateRows } from '../core/compaction.ts';
import type { Deletion } from '../core/deletions.ts';
import type { Delta, DeltaName } from '../core/delta.ts';
import type { HashRange } from '../core/hash-range.ts';
import type { Level, Period, UpperLevel } from '../core/level.ts';
import type { Row } from '../core/rows.ts';
import type { TopEntry } from '../core/top.ts';

/** A delta as it is stored. */
export interface StoredDelta extends DeltaName {
  /** Encoded rows; undefined: a tombstone stands in their place. */
  readonly rows: Uint8Array | undefined;
  readonly events: number;
}

/** The deltas, as they are written. */
export interface DeltaWriter {
  /**
   * Stores a delta if nothing has its name yet. Repeatable, by anyone, at any time.
   * @returns `stored` when the table has it now, whoever put it; `discarded` when a tombstone has its name
   */
  putDelta(delta: Delta): Promise<'stored' | 'discarded'>;
}

/** The deltas, as an operator gives one up. */
export interface DeltaDiscarder {
  /** Puts a tombstone, which never expires, if nothing has its name yet. @returns `stored` when the delta is there */
  putTombstone(name: DeltaName): Promise<'stored' | 'discarded'>;
}

/** The deltas, as they are read. Strongly consistent. */
export interface DeltaReader {
  /** Deltas stored under a hash range whose segment's running maximum is in `fromMs..toMs`, both included. */
  deltasIn(range: HashRange, fromMs: number, toMs: number): AsyncIterable<StoredDelta>;
}

/** A block: the rows of one period in one hash range, or word that its halves have them. */
export interface Block {
  /** The epoch that wrote it. */
  readonly epoch: number;
  /** Grows when the block is rewritten within its epoch: an entity was deleted, a difference repaired. */
  readonly edit: number;
  /** Encoded rows; `split`: each half of the range has a block of its own, or no rows. */
  readonly content: Uint8Array | 'split';
}

/** What must be true of a block's name for a put: nothing is there, exactly this is, or nothing of this epoch or later. */
export type BlockCondition =
  | { readonly is: 'absent' }
  | { readonly is: 'as-read'; readonly epoch: number; readonly edit: number }
  | { readonly is: 'before'; readonly epoch: number };

/** Blocks, as they are read. Strongly consistent. */
export interface BlockReader {
  /** @returns the blocks of these names, in their order; undefined where there is none */
  readBlocks(
    names: readonly { readonly period: Period; readonly range: HashRange }[],
  ): Promise<readonly (Block | undefined)[]>;
}

/** All blocks of a period that have rows. */
export interface PeriodReader {
  blocksOf(
    period: Period,
  ): AsyncIterable<{ readonly range: HashRange; readonly block: Block; readonly rows: Uint8Array }>;
}

/** Blocks, as they are written. */
export interface BlockWriter {
  /** @param expiresAt when it may be deleted, epoch seconds; undefined: never */
  putBlock(
    period: Period,
    range: HashRange,
    block: Block,
    condition: BlockCondition,
    expiresAt: number | undefined,
  ): Promise<'put' | 'conflict'>;
}

/** Rows put aside for an upper level by an epoch of the hours. Their cells are the level's. */
export interface LateStore {
  /**
   * Puts rows unless the epoch has put them already. Repeatable.
   * @param plannedAtMs when the epoch was planned: the rows are kept as long as its deltas
   */
  putLate(
    level: UpperLevel,
    range: HashRange,
    { hourEpoch, plannedAtMs }: Pick<CompactionPlan, 'hourEpoch' | 'plannedAtMs'>,
    rows: readonly Row[],
  ): Promise<void>;
  /** The rows of a hash range put aside by epochs in `after < epoch <= through`. Strongly consistent. */
  lateRows(level: UpperLevel, range: HashRange, after: number, through: number): AsyncIterable<Row>;
}

/** Rows put aside for an upper level, as they are rewritten. */
export interface LateItem {
  readonly key: string;
  /** The hours' epoch that put them aside. */
  readonly epoch: number;
  readonly rows: Uint8Array;
}

/** Late rows, as deletions and repairs rewrite them. */
export interface LateRewriter {
  lateItems(level: UpperLevel, range: HashRange): AsyncIterable<LateItem>;
  /** Replaces an item's rows if they are as read. */
  replaceLate(
    level: UpperLevel,
    range: HashRange,
    before: LateItem,
    rows: Uint8Array,
  ): Promise<'replaced' | 'conflict'>;
}

/** A top list as it is stored. */
export interface StoredTop {
  /** The level's epoch that it was made in. */
  readonly epoch: number;
  /** By count downwards, then by entity. */
  readonly entries: readonly TopEntry[];
}

/** Top lists. */
export interface TopStore {
  readTop(metric: string, period: Period): Promise<StoredTop | undefined>;
  /** Every metric that was ever compacted, by name. */
  metrics(): Promise<readonly string[]>;
  /** Adds metrics to those known. Repeatable. */
  addMetrics(metrics: readonly string[]): Promise<void>;
  /** Puts a list unless a later epoch's is there. Repeatable. */
  putTop(metric: string, period: Period, top: StoredTop, expiresAt: number | undefined): Promise<void>;
}

/** The state of compaction. */
export interface CompactionStateReader {
  /** Strongly consistent. */
  readState(): Promise<CompactionState>;
  /** Entries 1 to `count` of the register of deletions, which never change. */
  readDeletions(count: number): Promise<readonly Deletion[]>;
}

/** The state of compaction, as the compactor moves it. */
export interface CompactionStateStore extends CompactionStateReader {
  /**
   * Freezes a level's next epoch.
   * @param state as it was read: the level and the hours must still be as they are there, and none of both may be under way
   * @param closesMs of an upper level: what the hours put aside for it from now on
   */
  putPlan(
    state: CompactionState,
    level: Level,
    plan: CompactionPlan,
    closesMs: number | undefined,
  ): Promise<'planned' | 'conflict'>;
  /** Makes the level's plan what it covers. Repeatable. @param late of the hours: what was put aside so far */
  markDone(
    state: CompactionState,
    level: Level,
    writeUnits: number,
    late: Readonly<Record<UpperLevel, LateRows>> | undefined,
  ): Promise<void>;
}

/** The state of compaction, as those who store under a new length of hash ranges announce it, before they do. */
export interface RangeRegister {
  /** Repeatable. */
  registerRangeBits(bits: number): Promise<void>;
}
