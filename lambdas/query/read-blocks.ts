// Finds blocks: follows the splits of each period, starting at the depth where blocks of its level were found last.
import type { LimitFunction } from 'p-limit';
import type { CompactionState } from '../core/compaction.ts';
import { type HashRange, rangeOf } from '../core/hash-range.ts';
import type { Level, Period } from '../core/level.ts';
import { pickRows, type Row, rowName } from '../core/rows.ts';
import type { Block, BlockReader } from '../store/ports.ts';
import type { Name } from './read-deltas.ts';

/** A block is of a later epoch than the state that was read before it: its segments are unknown, so the state must be read again. */
export class StaleState extends Error {
  override readonly name = 'StaleState';
}

/** The depth where blocks of each level were found last: the next walk starts there. A hint, never trusted. */
export type DepthHints = Map<Level, number>;

/** Blocks read at once: DynamoDB's limit for one request. */
const BATCH_BLOCKS = 100;

/** The search for the block of one period that holds a name. */
export class BlockWalk {
  readonly period: Period;
  readonly name: string;
  /** The name's row in the block; undefined: none. */
  row: Row | undefined;
  /** Whether the result includes the plan in progress: the block does, or it is absent below a split of that epoch. */
  isAhead = false;
  isDone = false;
  readonly #hash: number;
  #depth: number;
  /** The deepest split, and the shallowest range without a block; whether the latter was read after the former. */
  #splitDepth = -1;
  #absentDepth = Number.POSITIVE_INFINITY;
  #isAbsentAfterSplit = true;

  constructor(period: Period, { name, hash }: Name, startDepth: number) {
    this.period = period;
    this.name = name;
    this.#hash = hash;
    this.#depth = startDepth;
  }

  /** The next range to read. */
  get range(): HashRange {
    return rangeOf(this.#hash, this.#depth);
  }

  /** Processes what was read at `range`. @param epoch the level's last finished epoch */
  take(block: Block | undefined, epoch: number): void {
    if (block === undefined) {
      this.#absentDepth = this.#depth;
      this.#isAbsentAfterSplit = true;
    } else {
      if (block.epoch > epoch) this.isAhead = true;
      if (block.content !== 'split') {
        this.isDone = true;
        return;
      }
      this.#splitDepth = this.#depth;
      this.#isAbsentAfterSplit = false;
    }
    this.#choose();
  }

  #choose(): void {
    if (this.#splitDepth + 1 === this.#absentDepth) {
      if (this.#isAbsentAfterSplit) {
        this.isDone = true;
        return;
      }
      // The range may have been split after it was found absent: a split is written after its halves.
      this.#absentDepth = Number.POSITIVE_INFINITY;
    }
    this.#depth =
      this.#absentDepth === Number.POSITIVE_INFINITY
        ? this.#splitDepth + 1
        : Math.floor((this.#splitDepth + this.#absentDepth) / 2);
  }
}

/**
 * Finishes all walks, one step of all at a time. Reads each block once for all names in it.
 * @throws StaleState when a block is of an epoch unknown to `state`
 */
export async function readBlocks(
  walks: readonly BlockWalk[],
  state: CompactionState,
  reader: BlockReader,
  hints: DepthHints,
  limit: LimitFunction,
): Promise<void> {
  let open = walks;
  while (open.length > 0) {
    // Groups of walks that need the same block next.
    const byBlock = Map.groupBy(open, ({ period, range }) => `${period.level} ${period.startMs} ${range}`);
    const groups = [...byBlock.values()];
    const step = async (batch: readonly BlockWalk[][]) => {
      const blocks = await reader.readBlocks(batch.flatMap(([first]) => first ?? []));
      for (const [index, group] of batch.entries()) takeBlock(blocks[index], group, state, hints);
    };
    const steps: Promise<void>[] = [];
    for (let at = 0; at < groups.length; at += BATCH_BLOCKS)
      steps.push(limit(() => step(groups.slice(at, at + BATCH_BLOCKS))));
    await Promise.all(steps);
    open = open.filter(({ isDone }) => !isDone);
  }
}

function takeBlock(
  block: Block | undefined,
  group: readonly BlockWalk[],
  state: CompactionState,
  hints: DepthHints,
): void {
  const [first] = group;
  if (first === undefined) return;
  const { level } = first.period;
  const { epoch, plan } = state[level];
  if (block !== undefined && block.epoch > epoch + (plan === undefined ? 0 : 1)) {
    throw new StaleState(`a block of the ${level} is of epoch ${block.epoch}, and the state knows ${epoch}`);
  }
  if (block !== undefined && block.content !== 'split') {
    hints.set(level, first.range.length);
    const rows = pickRows(block.content, new Set(group.map(({ name }) => name)));
    const byName = new Map(rows.map((row) => [rowName(row.metric, row.entity), row]));
    for (const walk of group) walk.row = byName.get(walk.name);
  }
  for (const walk of group) walk.take(block, epoch);
}
