// Walks to a block: from any depth, over splits that happen meanwhile, and never past what the state knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import pLimit from 'p-limit';
import { type CompactionState, INITIAL_STATE } from '../../lambdas/core/compaction.ts';
import { hashOf, rangeOf } from '../../lambdas/core/hash-range.ts';
import { encodeRows, rowName } from '../../lambdas/core/rows.ts';
import { BlockWalk, readBlocks, StaleState } from '../../lambdas/query/read-blocks.ts';
import type { Block } from '../../lambdas/store/ports.ts';

const FOREVER = { hours: undefined, days: undefined, months: undefined, all: undefined };
const PERIOD = { level: 'hours', startMs: 0 } as const;
const NAME = rowName('view', '/a');
const HASH = hashOf(NAME);
const ROW = { metric: 'view', entity: '/a', hour: 0, events: 1, cells: new Map([[0, 1n]]) };
const split = (epoch: number): Block => ({ epoch, edit: 0, content: 'split' });
const rows = (epoch: number): Block => ({ epoch, edit: 0, content: encodeRows([ROW]) });
/** Epoch 3 is done; 4 is under way, if it is. */
const state = (isPlanned: boolean): CompactionState => {
  const covers = { through: {}, open: [], floorMs: 0 };
  const plan = {
    ...{
      covers,
      blockBytes: 1,
      slotBits: 0,
      plannedAtMs: 0,
      retentions: FOREVER,
      deletions: 0,
      events: 0,
      hourEpoch: 4,
    },
  };
  const closedBeforeMs = { days: 0, months: 0, all: 0 };
  const hours = {
    ...INITIAL_STATE.hours,
    epoch: 3,
    plan: isPlanned ? { ...plan, closedBeforeMs } : undefined,
  };
  return { ...INITIAL_STATE, hours };
};

/** Walks over the blocks on the way to the name, by depth. @param changes what happens after so many reads */
async function walked(
  depth: number,
  blocks: readonly (Block | undefined)[],
  isPlanned = false,
  changes: Readonly<Record<number, readonly (Block | undefined)[]>> = {},
) {
  const walk = new BlockWalk(PERIOD, { name: NAME, hash: HASH }, depth);
  let [now, reads] = [blocks, 0];
  const reader = {
    readBlocks: async (names: readonly { range: string }[]) => {
      now = changes[reads] ?? now;
      reads += 1;
      return names.map(({ range }) => {
        assert.equal(range, rangeOf(HASH, range.length));
        return now[range.length];
      });
    },
  };
  const hints = new Map();
  await readBlocks([walk], state(isPlanned), reader, hints, pLimit(1));
  return { found: walk.row !== undefined, isAhead: walk.isAhead, hint: hints.get('hours'), reads };
}

test('a block is found from any starting depth, in a logarithmic number of steps', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(20), fc.nat(20), fc.boolean(), async (start, depth, isThere) => {
      const above = Array.from({ length: depth }, () => split(2));
      const { found, isAhead, hint, reads } = await walked(start, [...above, isThere ? rows(3) : undefined]);
      assert.deepEqual([found, isAhead, hint], [isThere, false, isThere ? depth : undefined]);
      if (start > depth) assert.ok(reads <= 2 + 2 * Math.ceil(Math.log2(start + 1)), `${reads} reads`);
    }),
  );
});

test('a half that is put after it was found absent, and before its split was read, is read again', async () => {
  const before = [rows(3)];
  const after = [split(4), rows(4)];
  assert.deepEqual(await walked(1, before, true, { 1: after }), {
    found: true,
    isAhead: true,
    hint: 1,
    reads: 3,
  });
  assert.deepEqual(await walked(1, before, true), { found: true, isAhead: false, hint: 0, reads: 2 });
});

test('a half below a split of the plan has the plan, whether it has rows or not', async () => {
  const { found, isAhead } = await walked(0, [split(4)], true);
  assert.deepEqual([found, isAhead], [false, true]);
});

test('an epoch that the state does not know is never read past, on any block of the walk', async () => {
  for (const [depth, blocks, isPlanned] of [
    [0, [rows(4)], false],
    [0, [split(4), rows(3)], false],
    [0, [rows(5)], true],
    [1, [split(2), rows(5)], true],
  ] as const) {
    await assert.rejects(walked(depth, blocks, isPlanned), StaleState);
  }
});
