// Ports to the store: deltas, blocks, late rows, top lists, and the state of compaction. Types only.
import type { CompactionPlan, CompactionState, LateRows } from '../core/compaction.ts';
import type { Deletion } from '../core/deletions.ts';
import type { Delta, DeltaName } from '../core/delta.ts';
import type { HashRange } from '../core/hash-range.ts';
import type { Level, Period, UpperLevel } from '../core/level.ts';
import type { Row } from '../core/rows.ts';
import type { TopEntry } from '../core/top.ts';

/** A stored delta. */
export interface StoredDelta extends DeltaName {
  /** Encoded rows; undefined: a tombstone. */
  readonly rows: Uint8Array | undefined;
  readonly events: number;
}

/** Writes deltas. */
export interface DeltaWriter {
  /**
   * Stores a delta unless its name is taken. Repeatable, by any caller, at any time.
   * @returns `stored` when the delta is in the table, now or from before; `discarded` when a tombstone has its name
   */
  putDelta(delta: Delta): Promise<'stored' | 'discarded'>;
}

/** Gives up deltas, for operators. */
export interface DeltaDiscarder {
  /** Puts a tombstone, which never expires, unless the name is taken. @returns `stored` when the delta is there */
  putTombstone(name: DeltaName): Promise<'stored' | 'discarded'>;
}

/** Says whether deltas may expire, for the compactor. */
export interface DeltaKeeper {
  /** Takes a delta's expiry away. Repeatable. */
  keepDelta(name: DeltaName): Promise<void>;
  /** Gives a delta its expiry from now on. Repeatable. */
  expireDelta(name: DeltaName): Promise<void>;
}

/** Reads deltas, strongly consistent. */
export interface DeltaReader {
  /** Deltas of a hash range whose segment's running maximum is in `fromMs..toMs`, both included. */
  deltasIn(range: HashRange, fromMs: number, toMs: number): AsyncIterable<StoredDelta>;
}

/** A block: the rows of one period in one hash range, or a marker that its halves have them. */
export interface Block {
  /** The epoch that wrote it. */
  readonly epoch: number;
  /** Incremented when the block is rewritten within its epoch: an entity was deleted, or a difference repaired. */
  readonly edit: number;
  /** Encoded rows; `split`: each half of the range has a block of its own, or no rows. */
  readonly content: Uint8Array | 'split';
}

/**
 * The precondition of a put: no block has the name, this exact version has it, or only one of an earlier epoch has it, or of
 * this epoch and an earlier edit.
 */
export type BlockCondition =
  | { readonly is: 'absent' }
  | { readonly is: 'as-read'; readonly epoch: number; readonly edit: number }
  | { readonly is: 'before'; readonly epoch: number; readonly edit: number };

/** Reads blocks, strongly consistent. */
export interface BlockReader {
  /** @returns the blocks of these names, in order; undefined where there is none */
  readBlocks(
    names: readonly { readonly period: Period; readonly range: HashRange }[],
  ): Promise<readonly (Block | undefined)[]>;
}

/** Reads all blocks of a period that have rows. */
export interface PeriodReader {
  blocksOf(
    period: Period,
  ): AsyncIterable<{ readonly range: HashRange; readonly block: Block; readonly rows: Uint8Array }>;
}

/** Writes blocks. */
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

/** Rows that an epoch of the hours set aside for an upper level. Their cells are the level's. */
export interface LateStore {
  /**
   * Stores rows unless the epoch has stored them already. Repeatable.
   * @param plannedAtMs when the epoch was planned: the rows are kept as long as its deltas
   */
  putLate(
    level: UpperLevel,
    range: HashRange,
    { hourEpoch, plannedAtMs }: Pick<CompactionPlan, 'hourEpoch' | 'plannedAtMs'>,
    rows: readonly Row[],
  ): Promise<void>;
  /** The rows of a hash range set aside by epochs in `after < epoch <= through`. Strongly consistent. */
  lateRows(level: UpperLevel, range: HashRange, after: number, through: number): AsyncIterable<Row>;
}

/** One item of late rows, for rewriting. */
export interface LateItem {
  readonly key: string;
  /** The epoch of the hours that set them aside. */
  readonly epoch: number;
  readonly rows: Uint8Array;
}

/** Rewrites rows outside blocks, for deletions and repairs. Each replacement requires that the rows are unchanged since the read. */
export interface RowRewriter {
  /** @param rows undefined: replace the delta with a tombstone */
  replaceDelta(
    name: DeltaName,
    before: Uint8Array,
    rows: Uint8Array | undefined,
  ): Promise<'replaced' | 'conflict'>;
  lateItems(level: UpperLevel, range: HashRange): AsyncIterable<LateItem>;
  replaceLate(
    level: UpperLevel,
    range: HashRange,
    before: LateItem,
    rows: Uint8Array,
  ): Promise<'replaced' | 'conflict'>;
}

/** A stored top list. */
export interface StoredTop {
  /** The level's epoch that computed it. */
  readonly epoch: number;
  /** Incremented with every put. */
  readonly edit: number;
  /** By count descending, then by entity. */
  readonly entries: readonly TopEntry[];
}

export interface TopStore {
  readTop(metric: string, period: Period): Promise<StoredTop | undefined>;
  /** Every metric that was ever compacted, sorted. */
  metrics(): Promise<readonly string[]>;
  /** Adds known metrics. Repeatable. */
  addMetrics(metrics: readonly string[]): Promise<void>;
  /** Stores a list if the one before its `edit` is still there; 1: if there is none. */
  putTop(
    metric: string,
    period: Period,
    top: StoredTop,
    expiresAt: number | undefined,
  ): Promise<'put' | 'conflict'>;
}

/** Reads the state of compaction. */
export interface CompactionStateReader {
  readState(): Promise<CompactionState>;
  /** Entries 1 to `count` of the register of deletions, which never change. */
  readDeletions(count: number): Promise<readonly Deletion[]>;
}

/** Advances the state of compaction, for the compactor. */
export interface CompactionStateStore extends CompactionStateReader {
  /**
   * Freezes a level's next epoch.
   * @param state as read: fails unless level and hours are unchanged and no epoch of either is in progress
   * @param closesMs for an upper level: what the hours set aside for it from now on
   */
  putPlan(
    state: CompactionState,
    level: Level,
    plan: CompactionPlan,
    closesMs: number | undefined,
  ): Promise<'planned' | 'conflict'>;
  /** Marks the level's plan done. Repeatable. @param late for the hours: what was set aside so far */
  markDone(
    state: CompactionState,
    level: Level,
    writeUnits: number,
    late: Readonly<Record<UpperLevel, LateRows>> | undefined,
  ): Promise<void>;
}

/** Records that late rows exist, for repairs. */
export interface LateRegister {
  /**
   * Makes readers look for rows that the last epoch of the hours set aside for a level. Repeatable.
   * @param state as read: fails unless the hours are unchanged and have no plan
   */
  noteLate(state: CompactionState, level: UpperLevel): Promise<'noted' | 'conflict'>;
}

/** Registers a new length of hash ranges, before anything is stored under it. The first call dates the store. */
export interface RangeRegister {
  registerRangeBits(bits: number, nowMs: number): Promise<void>;
}
