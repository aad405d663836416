// Recomputing an item while another compactor hangs over the same one: whatever its late write says is not the last word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyReport } from '../../lambdas/compactor/compaction.ts';
import {
  type RecomputePorts,
  type RecomputeSettings,
  recomputeDay,
} from '../../lambdas/compactor/recompute.ts';
import type { LevelItem } from '../../lambdas/counting/levels.ts';

const DAY = Date.UTC(2026, 10, 22);
const NAME = { level: 'days', metric: 'view', entity: '/a', startMs: DAY } as const;
const FOREVER = { counters: undefined, days: undefined, months: undefined };

/** One day of one counter with one hour of `n`, and what happens once after the next reading, and before the next write. */
function world(retentionsMs: RecomputeSettings['retentionsMs'] = FOREVER) {
  let item: LevelItem | undefined;
  const nothing = async () => {};
  const state = { n: 0n, nowMs: DAY, afterReading: nothing, beforeSet: nothing };
  const ports: RecomputePorts = {
    clock: { nowMs: () => state.nowMs },
    counters: {
      async *items() {
        const minutes = new Map([[0, state.n]]);
        const gate = state.afterReading;
        state.afterReading = nothing;
        await gate();
        yield { bucketStartMs: DAY, minutes, expiresAt: undefined };
      },
    },
    levels: {
      readLevel: async () => item,
      async *levelItems() {},
      async setSums({ sums, revision }) {
        const gate = state.beforeSet;
        state.beforeSet = nothing;
        await gate();
        if ((item?.revision ?? 0) !== revision) return 'conflict';
        item = { startMs: DAY, sums, revision: revision + 1, expiresAt: undefined };
        return 'set';
      },
    },
  };
  const recompute = () => recomputeDay(NAME, [DAY], ports, { retentionsMs }, emptyReport());
  return { state, recompute, says: () => item?.sums.get(DAY) };
}

test('counts fall and rise again while a compactor hangs: its older sum is refused, though the item had said the newer one', async () => {
  const { state, recompute, says } = world();
  state.n = 1n;
  await recompute();
  state.n = 0n;
  state.beforeSet = async () => {
    // An unlike and a like later: the other compactor finds the sum that is there already.
    state.n = 1n;
    await recompute();
  };
  await recompute();
  assert.equal(says(), 1n);
});

test('a write that comes too late is made again, of what there is then', async () => {
  const { state, recompute, says } = world();
  state.n = 5n;
  state.beforeSet = async () => {
    await recompute();
    state.n = 7n;
  };
  await recompute();
  assert.equal(says(), 7n);
});

test('what was read before another compactor was done does not overwrite what that one set', async () => {
  const { state, recompute, says } = world();
  state.n = 5n;
  state.afterReading = async () => {
    state.n = 7n;
    await recompute();
  };
  await recompute();
  assert.equal(says(), 7n);
});

test('an hour that has passed out of retention keeps what it says, and that is told to whoever keeps the top lists', async () => {
  const { state, recompute, says } = world({ ...FOREVER, counters: 86_400_000 });
  state.n = 4n;
  await recompute();
  state.n = 0n;
  state.nowMs = DAY + 40 * 86_400_000;
  assert.deepEqual(await recompute(), new Map([[DAY, 4n]]));
  assert.equal(says(), 4n);
});

test('a day that has passed out of retention itself is not told of', async () => {
  const { state, recompute } = world({ counters: 86_400_000, days: 86_400_000, months: undefined });
  state.n = 4n;
  await recompute();
  state.nowMs = DAY + 40 * 86_400_000;
  assert.equal(await recompute(), undefined);
});
