// A block while an epoch merges rows into it: inserting rows, and splitting it into halves.
import { type HashRange, halvesOf, holds } from '../core/hash-range.ts';
import { CELL_BYTES, encodeNamed, namedBytes, viewRows } from '../core/rows.ts';
import type { Block, BlockCondition } from '../store/ports.ts';
import { GrowingRow } from './growing-row.ts';

/** A block that rows are merged into. */
export interface Leaf {
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
export type Left = Pick<Leaf, 'exists' | 'wasSplit'>;

/** More edits than operators make of one block in an epoch: late compactors may have read the block after any of them. */
export const EDITS_MAX = 1_000_000;

export function insertRows(leaf: Leaf, { content }: Block): void {
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

export function addRow(leaf: Leaf, row: GrowingRow): void {
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

/** The edit of a block that was edited in the previous epoch: the next epoch checks for blocks beneath it once more. */
const EDITED_BEFORE = EDITS_MAX;

/**
 * An epoch's first version of a block is edit 0, or `EDITED_BEFORE`; halves of an edited block replace those that were made before
 * its edit.
 */
export function editOf({ isNew, edit }: Leaf): number {
  if (isNew) return edit;
  return edit === 0 || edit === EDITED_BEFORE ? 0 : EDITED_BEFORE;
}

const NOTHING_LEFT: Left = { exists: false, wasSplit: false };

export function splitLeaf(
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

/** Encodes a leaf's rows, and forgets them: they take ten times as much, and its put may wait for others. */
export function takeRows({ rows }: Leaf): Uint8Array {
  const encoded = encodeNamed([...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1)));
  rows.clear();
  return encoded;
}
