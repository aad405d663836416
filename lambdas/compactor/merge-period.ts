// Merges an epoch's rows into the blocks of one period. Rows arrive by hash; blocks are read, split and put along the way.
import type { LimitFunction } from 'p-limit';
import { HASH_BITS, type HashRange, halvesOf, holds, WHOLE_RANGE } from '../core/hash-range.ts';
import type { Period } from '../core/level.ts';
import { splitName } from '../core/rows.ts';
import type { Block, BlockCondition, BlockReader, BlockWriter } from '../store/ports.ts';
import type { GrowingRow } from './growing-row.ts';
import { addRow, EDITS_MAX, editOf, insertRows, type Leaf, type Left, splitLeaf, takeRows } from './leaf.ts';

/** A block changed during its epoch: restart the epoch from the current blocks. */
export class BlockChanged extends Error {
  override readonly name = 'BlockChanged';
}

interface MergeSettings {
  readonly epoch: number;
  /** Maximum size of a block, in bytes of `rowBytes`. */
  readonly blockBytes: number;
  /** When the period's blocks may be deleted, epoch seconds; undefined: never. */
  readonly expiresAt: number | undefined;
  /** Limits the puts of all periods of an epoch. */
  readonly puts: LimitFunction;
}

/** A block above the current leaf. */
interface Split {
  readonly range: HashRange;
  /** The condition of its split marker, put after both halves; undefined: the marker exists. */
  readonly condition: BlockCondition | undefined;
  /** The edit of the marker. */
  readonly edit: number;
  /** The upper half, if this epoch splits the block and has not processed that half yet. */
  upper: Leaf | undefined;
  /** Puts of both halves. */
  readonly puts: Promise<void>[];
}

/**
 * Merges one epoch into one period. The resulting blocks are a function of the previous blocks and the epoch's rows, so
 * compactors may run concurrently, crash at any point, and be followed by others. Holds one block's rows in memory, those of
 * halves that splits have postponed, and the blocks that are being put. A marker is put after all blocks beneath it.
 */
export class PeriodMerge {
  readonly period: Period;
  /** Metrics with new rows. */
  readonly metrics = new Set<string>();
  writeUnits = 0;
  readonly #store: BlockReader & BlockWriter;
  readonly #settings: MergeSettings;
  readonly #path: Split[] = [];
  /** Puts that no split on the path waits for. */
  readonly #puts: Promise<void>[] = [];
  #leaf: Leaf | undefined;
  #last = -1;
  /** The last row's metric, with separator: the next row usually has the same. */
  #metric = '\0';
  /** Blocks read for the rows that are being added: one by one, they would take most of a run. */
  readonly #ahead = new Map<HashRange, Block | undefined>();

  constructor(period: Period, store: BlockReader & BlockWriter, settings: MergeSettings) {
    this.period = period;
    this.#store = store;
    this.#settings = settings;
  }

  /** Adds rows of the period. @param rows ascending by hash, none below those added before */
  async add(rows: readonly GrowingRow[]): Promise<void> {
    for (let at = 0; at < rows.length; at += AHEAD_ROWS) await this.#add(rows.slice(at, at + AHEAD_ROWS));
    // An epoch may have hundreds of periods, and each is kept until its end.
    this.#ahead.clear();
  }

  async #add(rows: readonly GrowingRow[]): Promise<void> {
    await this.#readAhead(rows);
    for (const row of rows) {
      if (row.hash < this.#last) throw new RangeError('rows must arrive in ascending order of hash');
      this.#last = row.hash;
      if (!row.name.startsWith(this.#metric)) this.#noteMetric(row.name);
      const leaf = await this.#leafFor(row.hash);
      if (leaf.isDone) continue;
      addRow(leaf, row);
      await this.#splitWhileTooLarge(row.hash);
    }
  }

  /** Reads the blocks of some rows, all of a depth at once. Each put requires its block as read. */
  async #readAhead(rows: readonly GrowingRow[]): Promise<void> {
    this.#ahead.clear();
    const last = rows.at(-1);
    if (last === undefined || (this.#leaf !== undefined && holds(this.#leaf.range, last.hash))) return;
    for (let asked = new Map([[WHOLE_RANGE, rows]]); asked.size > 0; ) {
      const ranges = [...asked.keys()];
      const blocks = await this.#store.readBlocks(ranges.map((range) => ({ period: this.period, range })));
      const below = new Map<HashRange, readonly GrowingRow[]>();
      for (const [index, range] of ranges.entries()) {
        const block = blocks[index];
        this.#ahead.set(range, block);
        if (block?.content !== 'split' || block.epoch >= this.#settings.epoch) continue;
        const halves = Map.groupBy(asked.get(range) ?? [], ({ hash }) => halfWith(range, hash));
        for (const [half, own] of halves) below.set(half, own);
      }
      asked = below;
    }
  }

  async #read(range: HashRange): Promise<Block | undefined> {
    if (this.#ahead.has(range)) return this.#ahead.get(range);
    const [block] = await this.#store.readBlocks([{ period: this.period, range }]);
    return block;
  }

  #noteMetric(name: string): void {
    const [metric] = splitName(name);
    this.metrics.add(metric);
    this.#metric = `${metric}\0`;
  }

  /** Puts the remaining blocks. */
  async finish(): Promise<void> {
    await this.#closeLeaf();
    while (this.#path.length > 0) await this.#closeSplit();
    await this.settled();
  }

  /** Waits for the puts under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#puts, ...this.#path.flatMap(({ puts }) => puts)]);
  }

  /** Lets a put go on beside what follows; waits while too many do. */
  async #start(put: Promise<void>): Promise<void> {
    // It fails where all are waited for.
    put.catch(() => {});
    (this.#path.at(-1)?.puts ?? this.#puts).push(put);
    const { puts } = this.#settings;
    if (puts.pendingCount >= puts.concurrency) await put;
  }

  /** The leaf whose range contains a hash; puts the blocks before it. */
  async #leafFor(hash: number): Promise<Leaf> {
    if (this.#leaf !== undefined && holds(this.#leaf.range, hash)) return this.#leaf;
    await this.#closeLeaf();
    for (let split = this.#path.at(-1); split && !holds(split.range, hash); split = this.#path.at(-1)) {
      await this.#closeSplit();
    }
    const upper = this.#path.at(-1)?.upper;
    if (upper !== undefined) {
      // The current leaf was the lower half and is done: the hash is in the upper one.
      (this.#path.at(-1) as Split).upper = undefined;
      this.#leaf = upper;
      return upper;
    }
    this.#leaf = await this.#descend(hash);
    return this.#leaf;
  }

  /** Reads down to the block that contains a hash. */
  async #descend(hash: number): Promise<Leaf> {
    const parent = this.#path.at(-1);
    let range = parent === undefined ? WHOLE_RANGE : halfWith(parent.range, hash);
    for (;;) {
      const block = await this.#read(range);
      if (block?.content !== 'split' || block.epoch >= this.#settings.epoch)
        return await this.#leafOf(range, block);
      this.#path.push({ range, condition: undefined, edit: 0, upper: undefined, puts: [] });
      range = halfWith(range, hash);
    }
  }

  async #leafOf(range: HashRange, block: Block | undefined): Promise<Leaf> {
    const isDone = block !== undefined && block.epoch >= this.#settings.epoch;
    const condition: BlockCondition =
      block === undefined ? { is: 'absent' } : { is: 'as-read', epoch: block.epoch, edit: block.edit };
    const edit = block?.edit ?? 0;
    const hasLeft = edit > 0 && (await this.#hasLeft(range));
    if (isDone && hasLeft && block.content !== 'split') await this.#splitAgain(range, block);
    // An earlier run of this epoch put it.
    if (block?.epoch === this.#settings.epoch) this.writeUnits += unitsOf(block.content);
    const leaf: Leaf = {
      range,
      condition,
      rows: new Map(),
      bytes: 0,
      isDone,
      isNew: false,
      isChanged: false,
      edit,
      wasSplit: !isDone && hasLeft,
      exists: block !== undefined,
    };
    if (block !== undefined && !isDone) insertRows(leaf, block);
    return leaf;
  }

  /** Splits the current leaf until the half that contains a hash fits. Postpones rows beyond the hash, and puts rows before it. */
  async #splitWhileTooLarge(hash: number): Promise<void> {
    for (let leaf = this.#leaf; leaf !== undefined && this.#isTooLarge(leaf); leaf = this.#leaf) {
      const [lower, upper] = await this.#halves(leaf);
      const { range, condition } = leaf;
      const split: Split = { range, condition, edit: editOf(leaf), upper: undefined, puts: [] };
      this.#path.push(split);
      if (holds(lower.range, hash)) {
        split.upper = upper;
        this.#leaf = lower;
      } else {
        await this.#start(this.#putLeaf(lower));
        this.#leaf = upper;
      }
    }
  }

  #isTooLarge({ bytes, rows, range, wasSplit }: Leaf): boolean {
    return wasSplit || (bytes > this.#settings.blockBytes && rows.size > 1 && range.length < HASH_BITS);
  }

  /**
   * The halves of a leaf. If an operator edited it during this epoch, an attempt before the edit may have put blocks beneath
   * it, which are replaced.
   */
  async #halves(leaf: Leaf): Promise<readonly [Leaf, Leaf]> {
    const { epoch } = this.#settings;
    if (leaf.edit === 0) return splitLeaf(leaf, epoch);
    const leftOf = async (half: HashRange): Promise<Left> => {
      const [exists = false, ...deeper] = await this.#exist([half, ...beneath(half)]);
      return { exists, wasSplit: deeper.includes(true) };
    };
    const [low, high] = halvesOf(leaf.range);
    return splitLeaf(leaf, epoch, [await leftOf(low), await leftOf(high)]);
  }

  async #exist(ranges: readonly HashRange[]): Promise<readonly boolean[]> {
    const blocks = await this.#store.readBlocks(ranges.map((range) => ({ period: this.period, range })));
    return blocks.map((block) => block !== undefined);
  }

  async #closeLeaf(): Promise<void> {
    const leaf = this.#leaf;
    this.#leaf = undefined;
    if (leaf !== undefined) await this.#start(this.#putLeaf(leaf));
  }

  /** Leaves the lowest split: puts its upper half if still pending, then its marker. */
  async #closeSplit(): Promise<void> {
    const split = this.#path.at(-1);
    if (split?.upper !== undefined) await this.#start(this.#putLeaf(split.upper));
    this.#path.pop();
    if (split !== undefined) await this.#start(this.#putMarker(split));
  }

  async #putMarker({ range, condition, edit, puts }: Split): Promise<void> {
    await Promise.all(puts);
    if (condition !== undefined) await this.#put(range, 'split', condition, edit);
  }

  /** Puts a leaf; if it is too large, its two halves and then its marker. */
  async #putLeaf(leaf: Leaf): Promise<void> {
    if (leaf.isDone || !(leaf.isChanged || leaf.isNew)) return;
    if (this.#isTooLarge(leaf)) {
      for (const half of await this.#halves(leaf)) await this.#putLeaf(half);
      return this.#put(leaf.range, 'split', leaf.condition, editOf(leaf));
    }
    if (leaf.rows.size === 0 && !leaf.exists) return;
    await this.#put(leaf.range, takeRows(leaf), leaf.condition, editOf(leaf));
    // Another compactor that read the block before its edit may have put halves since this one looked.
    if (leaf.isNew || leaf.edit === 0 || !(await this.#hasLeft(leaf.range))) return;
    const [there] = await this.#store.readBlocks([{ period: this.period, range: leaf.range }]);
    if (there !== undefined && there.content !== 'split') await this.#splitAgain(leaf.range, there);
  }

  async #hasLeft(range: HashRange): Promise<boolean> {
    return (await this.#exist(beneath(range))).includes(true);
  }

  async #put(
    range: HashRange,
    content: Block['content'],
    condition: BlockCondition,
    edit: number,
  ): Promise<void> {
    const { epoch, expiresAt, puts } = this.#settings;
    const block: Block = { epoch, edit, content };
    this.writeUnits += unitsOf(content);
    const put = () => this.#store.putBlock(this.period, range, block, condition, expiresAt);
    if ((await puts(put)) === 'put') return;
    // Another compactor of this epoch was faster, or the answer to this very put was lost; then the block exists.
    const [there] = await this.#store.readBlocks([{ period: this.period, range }]);
    if (there === undefined || there.epoch < epoch) {
      throw new BlockChanged(`a block of the ${this.period.level} was changed while it was compacted`);
    }
    if (content === 'split' && there.content !== 'split') await this.#splitAgain(range, there);
  }

  /**
   * Splits a block that another compactor of this epoch kept whole, because an operator had edited it after this one read it:
   * otherwise readers would use the halves that this one has put.
   */
  async #splitAgain(range: HashRange, there: Block): Promise<void> {
    const leaf: Leaf = {
      range,
      condition: { is: 'as-read', epoch: there.epoch, edit: there.edit },
      rows: new Map(),
      bytes: 0,
      isDone: false,
      isNew: true,
      isChanged: true,
      edit: there.edit + EDITS_MAX,
      wasSplit: true,
      exists: true,
    };
    insertRows(leaf, there);
    const merge = new PeriodMerge(this.period, this.#store, { ...this.#settings, epoch: there.epoch });
    await merge.#putLeaf(leaf);
    this.writeUnits += merge.writeUnits;
  }
}

/** Rows of a period whose blocks are read at once: those take at most 32 MB. */
const AHEAD_ROWS = 2_000;

/** How far beneath an edited block to look for blocks of an earlier attempt, which puts its deepest blocks first. */
const LEVELS_BENEATH = 5;

function beneath(range: HashRange, levels = LEVELS_BENEATH): readonly HashRange[] {
  if (levels === 0 || range.length >= HASH_BITS) return [];
  return halvesOf(range).flatMap((half) => [half, ...beneath(half, levels - 1)]);
}

/** Approximate bytes of a block item's key and numbers. */
const ITEM_BYTES = 100;

function unitsOf(content: Block['content']): number {
  return content === 'split' ? 1 : Math.ceil((content.byteLength + ITEM_BYTES) / 1024);
}

function halfWith(range: HashRange, hash: number): HashRange {
  const [lower, upper] = halvesOf(range);
  return holds(lower, hash) ? lower : upper;
}
