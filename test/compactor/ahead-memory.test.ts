// An epoch with rows of many hours, such as an import of old logs: blocks read ahead must not stay in memory for each of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import pLimit from 'p-limit';
import { GrowingRow } from '../../lambdas/compactor/growing-row.ts';
import { PeriodMerge } from '../../lambdas/compactor/merge-period.ts';
import { encodeNamed } from '../../lambdas/core/rows.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import type { BlockReader, BlockWriter } from '../../lambdas/store/ports.ts';
import { collectGarbage } from '../support/garbage.ts';

/** Each hour has 1,024 blocks. */
const DEPTH = 10;

test('an epoch that touches many hours does not keep the blocks of all of them', async () => {
  const content = encodeNamed([]);
  const read: WeakRef<object>[] = [];
  const store = {
    async readBlocks(names: Parameters<BlockReader['readBlocks']>[0]) {
      return names.map(({ range }) => {
        if (range.length < DEPTH) return { epoch: 1, edit: 0, content: 'split' as const };
        const block = { epoch: 1, edit: 0, content };
        read.push(new WeakRef(block));
        return block;
      });
    },
    putBlock: async () => 'put' as const,
  } as unknown as BlockReader & BlockWriter;
  const merges: PeriodMerge[] = [];
  for (let hour = 0; hour < 2; hour += 1) {
    const settings = { epoch: 2, blockBytes: 16_384, expiresAt: undefined, puts: pLimit(1) };
    const merge = new PeriodMerge({ level: 'hours', startMs: hour * HOUR_MS }, store, settings);
    merges.push(merge);
    const rows = Array.from({ length: 100 }, (_, entity) => {
      const row = new GrowingRow(`view\0/${entity}`);
      row.events = 1;
      row.add(0, 1);
      return row;
    });
    await merge.add(rows.sort((a, b) => a.hash - b.hash));
  }
  // Each merge keeps the block that the next rows may belong to.
  const kept = () => read.filter((block) => block.deref() !== undefined).length;
  for (let attempt = 0; attempt < 20 && kept() > merges.length; attempt += 1) {
    await setImmediate();
    collectGarbage();
  }
  assert.ok(read.length > 100, `${read.length} blocks were read`);
  assert.ok(kept() <= merges.length, `${kept()} of ${read.length} blocks stay in memory`);
});
