// The blocks that hold a hash range's rows in some periods: follows the splits from the roots, for all periods at once.
import { covers, type HashRange, halvesOf, WHOLE_RANGE } from '../core/hash-range.ts';
import type { Period } from '../core/level.ts';
import type { Block, BlockReader } from './ports.ts';

/** Where rows of a range are or belong: a block with rows, or a name without a block. */
export interface Leaf {
  readonly period: Period;
  readonly range: HashRange;
  readonly block: Block | undefined;
}

/** Every leaf that overlaps a range. Strongly consistent, but not a snapshot. */
export async function leavesIn(
  store: BlockReader,
  periods: readonly Period[],
  range: HashRange,
): Promise<Leaf[]> {
  const leaves: Leaf[] = [];
  let names = periods.map((period) => ({ period, range: WHOLE_RANGE }));
  while (names.length > 0) {
    const blocks = await store.readBlocks(names);
    const below: typeof names = [];
    for (const [index, name] of names.entries()) {
      const block = blocks[index];
      if (block?.content !== 'split') leaves.push({ ...name, block });
      else {
        const halves = halvesOf(name.range).filter((half) => covers(half, range) || covers(range, half));
        below.push(...halves.map((half) => ({ period: name.period, range: half })));
      }
    }
    names = below;
  }
  return leaves;
}
