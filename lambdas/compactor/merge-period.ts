// Merges an epoch's rows into the blocks of one period. Rows arrive by hash; blocks are read, split and put along the way.
import { HASH_BITS, type HashRange, halvesOf, holds, WHOLE_RANGE } from '../core/hash-range.ts';
import type { Period } from '../core/level.ts';
import { CELL_BYTES, encodeNamed, namedBytes, splitName, viewRows } from '../core/rows.ts';
import type { Block, BlockCondition, BlockReader, BlockWriter } from '../store/ports.ts';
import { GrowingRow } from './growing-row.ts';

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
}

/** A block that rows are merged into. */
interface Leaf {
  readonly range: HashRange;
  /** The condition of its put. */
  readonly condition: BlockCondition;
  readonly rows: Map<string, GrowingRow>;
  bytes: number;
  /** This epoch has already written the block, or one beneath it: nothing is left to do. */
  readonly isDone: boolean;
  /** Created by a split: it must be put even without added rows. */
  readonly isNew: boolean;
  isChanged: boolean;
  /** The edit of the block that its rows were read from. */
  readonly edit: number;
  /** This epoch split the block before an operator edited it: its halves must be put again. */
  readonly wasSplit: boolean;
  /** The block exists: it must be put even if it has no rows any more. */
  readonly exists: boolean;
}

/** What an earlier attempt at this epoch may have left of a new leaf. */
type Left = Pick<Leaf, 'exists' | 'wasSplit'>;

/** A block above the current leaf. */
interface Split {
  readonly range: HashRange;
  /** The condition of its split marker, put after both halves; undefined: the marker exists. */
  readonly condition: BlockCondition | undefined;
  /** The edit of the marker. */
  readonly edit: number;
  /** The upper half, if this epoch splits the block and has not processed that half yet. */
  upper: Leaf | undefined;
}

/**
 * Merges one epoch into one period. The resulting blocks are a function of the previous blocks and the epoch's rows, so
 * compactors may run concurrently, crash at any point, and be followed by others. Holds one block's rows in memory, and those of
 * halves that splits have postponed.
 */
export class PeriodMerge {
  readonly period: Period;
  /** Metrics with new rows. */
  readonly metrics = new Set<string>();
  writeUnits = 0;
  readonly #store: BlockReader & BlockWriter;
  readonly #settings: MergeSettings;
  readonly #path: Split[] = [];
  #leaf: Leaf | undefined;
  #last = -1;
  /** The last row's metric, with separator: the next row usually has the same. */
  #metric = '\0';

  constructor(period: Period, store: BlockReader & BlockWriter, settings: MergeSettings) {
    this.period = period;
    this.#store = store;
    this.#settings = settings;
  }

  /** Adds rows of the period. @param rows ascending by hash, none below those added before */
  async add(rows: readonly GrowingRow[]): Promise<void> {
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

  #noteMetric(name: string): void {
    const [metric] = splitName(name);
    this.metrics.add(metric);
    this.#metric = `${metric}\0`;
  }

  /** Puts the remaining blocks. */
  async finish(): Promise<void> {
    await this.#closeLeaf();
    while (this.#path.length > 0) await this.#closeSplit();
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
      const [block] = await this.#store.readBlocks([{ period: this.period, range }]);
      if (block?.content !== 'split' || block.epoch >= this.#settings.epoch)
        return await this.#leafOf(range, block);
      this.#path.push({ range, condition: undefined, edit: 0, upper: undefined });
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
      const split: Split = { range, condition, edit: editOf(leaf), upper: undefined };
      this.#path.push(split);
      if (holds(lower.range, hash)) {
        split.upper = upper;
        this.#leaf = lower;
      } else {
        await this.#putLeaf(lower);
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
    if (leaf !== undefined) await this.#putLeaf(leaf);
  }

  /** Leaves the lowest split: puts its upper half if still pending, then its marker. */
  async #closeSplit(): Promise<void> {
    const split = this.#path.pop();
    if (split?.condition === undefined) return;
    if (split.upper !== undefined) await this.#putLeaf(split.upper);
    await this.#put(split.range, 'split', split.condition, split.edit);
  }

  /** Puts a leaf; if it is too large, its two halves and then its marker. */
  async #putLeaf(leaf: Leaf): Promise<void> {
    if (leaf.isDone || !(leaf.isChanged || leaf.isNew)) return;
    if (this.#isTooLarge(leaf)) {
      for (const half of await this.#halves(leaf)) await this.#putLeaf(half);
      return this.#put(leaf.range, 'split', leaf.condition, editOf(leaf));
    }
    if (leaf.rows.size === 0 && !leaf.exists) return;
    const rows = [...leaf.rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    await this.#put(leaf.range, encodeNamed(rows), leaf.condition, editOf(leaf));
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
    const { epoch, expiresAt } = this.#settings;
    const block: Block = { epoch, edit, content };
    this.writeUnits += content === 'split' ? 1 : Math.ceil((content.byteLength + ITEM_BYTES) / 1024);
    if ((await this.#store.putBlock(this.period, range, block, condition, expiresAt)) === 'put') return;
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

/** More edits than operators make of one block in an epoch: late compactors may have read the block after any of them. */
const EDITS_MAX = 1_000_000;

/** How far beneath an edited block to look for blocks of an earlier attempt, which puts its deepest blocks first. */
const LEVELS_BENEATH = 5;

function beneath(range: HashRange, levels = LEVELS_BENEATH): readonly HashRange[] {
  if (levels === 0 || range.length >= HASH_BITS) return [];
  return halvesOf(range).flatMap((half) => [half, ...beneath(half, levels - 1)]);
}

/** Approximate bytes of a block item's key and numbers. */
const ITEM_BYTES = 100;

function halfWith(range: HashRange, hash: number): HashRange {
  const [lower, upper] = halvesOf(range);
  return holds(lower, hash) ? lower : upper;
}

function insertRows(leaf: Leaf, { content }: Block): void {
  if (content === 'split') return;
  for (const row of viewRows(content)) {
    const own = new GrowingRow(row.name);
    own.addAll(row);
    insert(leaf, own, row.nameBytes);
  }
}

function insert(leaf: Leaf, row: GrowingRow, nameBytes?: number): void {
  leaf.rows.set(row.name, row);
  leaf.bytes += namedBytes(row, nameBytes);
}

function addRow(leaf: Leaf, row: GrowingRow): void {
  leaf.isChanged = true;
  const there = leaf.rows.get(row.name);
  if (there === undefined) {
    insert(leaf, row);
    return;
  }
  const { length } = there;
  there.addAll(row);
  leaf.bytes += (there.length - length) * CELL_BYTES;
}

/** Of a block that was edited in the epoch before: what is beneath it is looked for once more. */
const EDITED_BEFORE = EDITS_MAX;

/**
 * An epoch's first version of a block is edit 0, or `EDITED_BEFORE`; halves of an edited block replace those that were made before
 * its edit.
 */
function editOf({ isNew, edit }: Leaf): number {
  if (isNew) return edit;
  return edit === 0 || edit === EDITED_BEFORE ? 0 : EDITED_BEFORE;
}

const NOTHING_LEFT: Left = { exists: false, wasSplit: false };

function splitLeaf(
  { range: whole, rows, edit }: Leaf,
  epoch: number,
  left: readonly [Left, Left] = [NOTHING_LEFT, NOTHING_LEFT],
): readonly [Leaf, Leaf] {
  const leafOf = (range: HashRange, there: Left): Leaf => ({
    ...there,
    range,
    edit,
    condition: { is: 'before', epoch, edit },
    rows: new Map<string, GrowingRow>(),
    bytes: 0,
    isDone: false,
    isNew: true,
    isChanged: false,
  });
  const [low, high] = halvesOf(whole);
  const [lower, upper] = [leafOf(low, left[0]), leafOf(high, left[1])];
  for (const row of rows.values()) insert(holds(lower.range, row.hash) ? lower : upper, row);
  return [lower, upper];
}
