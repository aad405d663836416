// Bringing a list up while another compactor hangs over the same one: whatever its late put says is not the last word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pLimit from 'p-limit';
import { emptyReport } from '../../lambdas/compactor/compaction.ts';
import { type TopListPorts, updateTopLists } from '../../lambdas/compactor/top-lists.ts';
import { EMPTY_TOP } from '../../lambdas/counting/top-list.ts';
import type { StoredTop } from '../../lambdas/level-ports.ts';

const HOUR = Date.UTC(2026, 10, 22, 5);
const DAY = Date.UTC(2026, 10, 22);
const SETTINGS = {
  topLists: { entriesMax: 2, certainMin: 1, remakeSegmentsMax: 0, remakeCountersMax: 0 },
  retentionsMs: { counters: undefined, days: undefined, months: undefined },
};

/** Days of some entities with one hour each, the lists over them, and what happens once before the hour's next put. */
function world(days: Record<string, bigint>) {
  const lists = new Map<string, StoredTop>();
  const state = { days, beforePut: async () => {} };
  const none: StoredTop = { list: EMPTY_TOP, revision: 0, expiresAt: undefined };
  const sumsOf = (entity: string) => new Map([[HOUR, state.days[entity] ?? 0n]]);
  const ports: TopListPorts = {
    clock: { nowMs: () => DAY },
    ledger: {} as TopListPorts['ledger'],
    progress: {} as TopListPorts['progress'],
    levels: {
      readLevel: async ({ entity }) => ({
        startMs: DAY,
        sums: sumsOf(entity),
        revision: 1,
        expiresAt: undefined,
      }),
      async *levelItems() {},
      setSums: async () => 'set',
    },
    tops: {
      readTop: async ({ by }) => lists.get(by) ?? none,
      async putTop({ by }, top) {
        if (by === 'hour') {
          const gate = state.beforePut;
          state.beforePut = async () => {};
          await gate();
        }
        if ((lists.get(by)?.revision ?? 0) !== top.revision - 1) return 'conflict';
        lists.set(by, top);
        return 'put';
      },
    },
  };
  /** A compactor that has just set these entities' days. */
  const compacted = async (...entities: string[]) => {
    const recomputed = entities.map((entity) => ({
      name: { level: 'days', metric: 'view', entity, startMs: DAY } as const,
      sumsMs: [HOUR],
      sums: sumsOf(entity),
    }));
    const report = emptyReport();
    const inTime = await updateTopLists('days', recomputed, pLimit(2), ports, SETTINGS, () => true, report);
    assert.equal(inTime, true);
    return report;
  };
  const says = () => lists.get('hour')?.list.entries.map(({ entity, n }) => `${entity} ${n}`);
  return { state, compacted, says };
}

test('counts fall and rise again while a compactor hangs: its older count is refused, though the list had said the newer one', async () => {
  const { state, compacted, says } = world({ a: 5n });
  await compacted('a');
  state.days = { a: 3n };
  state.beforePut = async () => {
    state.days = { a: 5n };
    await compacted('a');
  };
  await compacted('a');
  assert.deepEqual(says(), ['a 5']);
});

test('an entity rises past the mark and falls behind it again while a compactor hangs', async () => {
  const { state, compacted, says } = world({ a: 9n, b: 8n, c: 7n });
  await compacted('a', 'b', 'c');
  assert.deepEqual(says(), ['a 9', 'b 8']);
  state.days = { a: 9n, b: 8n, c: 20n };
  state.beforePut = async () => {
    // Not in the list, and behind its mark: it concerns nobody who does not know of the one that hangs.
    state.days = { a: 9n, b: 8n, c: 6n };
    await compacted('c');
  };
  await compacted('c');
  assert.deepEqual(says(), ['a 9', 'b 8']);
});

test('a list that says so already is put again, and not counted as changed', async () => {
  const { compacted, says } = world({ a: 9n });
  assert.equal((await compacted('a')).topsChanged, 2, 'the hour and the day');
  const { topsChanged, conflicts } = await compacted('a');
  assert.deepEqual([topsChanged, conflicts, says()], [0, 0, ['a 9']]);
});
