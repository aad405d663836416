// The container's cache of dedup windows, over windows far longer than a page, a batch or a simulated history.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DedupWindows, type WindowLedger, type WindowPlan } from '../../lambdas/aggregator/windows.ts';
import type { ShardKey } from '../../lambdas/core/identifiers.ts';
import { hashEventId } from '../../lambdas/core/seen-ids.ts';
import type { Head } from '../../lambdas/core/segment.ts';
import { packIds } from '../support/packed-ids.ts';
import { CONFIG, SHARD_KEY } from '../support/records.ts';

const HOUR_MS = 3_600_000;

interface Stored {
  readonly runMaxMs: number;
  readonly ids: readonly string[];
}

/** A ledger of one shard: `stored[0]` is segment 1. */
function ledgerOf(stored: readonly Stored[]) {
  const reads = { entries: 0, ids: 0 };
  const ledger: WindowLedger = {
    async *windowEntries(_: ShardKey, from: number, downTo: number) {
      for (let segment = from; segment >= downTo; segment -= 1) {
        const { runMaxMs, ids } = stored[segment - 1] as Stored;
        reads.entries += 1;
        const runMaxBeforeMs = stored[segment - 2]?.runMaxMs ?? 0;
        yield { segment, runMaxMs, runMaxBeforeMs, idBytes: packIds(ids).byteLength };
      }
    },
    readIds: async (_, entries) => {
      reads.ids += entries.length;
      return entries.map(({ segment }) => packIds(stored[segment - 1]?.ids ?? []));
    },
  };
  return { ledger, reads };
}

function planAfter(stored: readonly Stored[], to: number, dedupWindowMs: number, minArrivalMs: number) {
  const config = { ...CONFIG, dedupWindowMs };
  const runMaxBeforeMs = stored[to - 1]?.runMaxMs ?? 0;
  return { segment: to + 1, minArrivalMs, runMaxBeforeMs, config, ancestors: [] } satisfies WindowPlan;
}

function seen(view: { seen(id: { high: number; low: number }): boolean }, id: string): boolean {
  const hash = { high: 0, low: 0 };
  hashEventId(id, hash);
  return view.seen(hash);
}

for (const [segments, secondsApart] of [
  [300, 10],
  [8_640, 10],
  [17_280, 5],
] as const) {
  test(`a cold window of ${segments} segments has the ids of each of them`, async () => {
    const stored = Array.from({ length: segments + 100 }, (_, index) => ({
      runMaxMs: (index + 1) * secondsApart * 1000,
      ids: [`id-${index + 1}`],
    }));
    const { ledger, reads } = ledgerOf(stored);
    const to = stored.length;
    const lastMs = to * secondsApart * 1000;
    const windowMs = (segments - 1) * secondsApart * 1000;
    const view = await new DedupWindows().before(SHARD_KEY, planAfter(stored, to, windowMs, lastMs), ledger);
    for (let segment = 101; segment <= to; segment += 1) assert.ok(seen(view, `id-${segment}`), `${segment}`);
    assert.equal(seen(view, 'id-100'), false);
    assert.equal(reads.ids, segments);
    assert.equal(reads.entries, segments);
  });
}

test('a container that returns to a shard reads only the segments that others made meanwhile', async () => {
  const stored = Array.from({ length: 2_000 }, (_, index) => ({
    runMaxMs: (index + 1) * 1000,
    ids: [`id-${index + 1}`],
  }));
  const { ledger, reads } = ledgerOf(stored);
  const windows = new DedupWindows();
  await windows.before(SHARD_KEY, planAfter(stored, 1_500, HOUR_MS, 1_501_000), ledger);
  const before = { ...reads };
  const view = await windows.before(SHARD_KEY, planAfter(stored, 1_650, HOUR_MS, 1_651_000), ledger);
  assert.equal(reads.ids - before.ids, 150);
  assert.equal(reads.entries - before.entries, 150);
  for (const segment of [1, 64, 65, 1_500, 1_501, 1_564, 1_565, 1_650])
    assert.ok(seen(view, `id-${segment}`), `${segment}`);
});

test('a container answers like a cold one and like a plain model, for any window in memory', async () => {
  const segment = fc.record({
    ids: fc.array(fc.nat(400), { maxLength: 4, size: 'max' }),
    arrivalMs: fc.nat(40_000),
  });
  const histories = fc.array(segment, { minLength: 150, maxLength: 400, size: 'max' });
  const visits = fc.array(fc.tuple(fc.nat(399), fc.nat(20_000)), {
    minLength: 4,
    maxLength: 12,
    size: 'max',
  });
  await fc.assert(
    fc.asyncProperty(histories, visits, async (history, asked) => {
      let runMaxMs = 0;
      const stored = history.map(({ ids, arrivalMs }, index) => {
        runMaxMs = Math.max(runMaxMs, arrivalMs + index * 50);
        return { runMaxMs, ids: ids.map(String) };
      });
      const { ledger } = ledgerOf(stored);
      const windows = new DedupWindows();
      for (const [place, windowMs] of asked) {
        const to = place % stored.length;
        const minArrivalMs = stored[to]?.runMaxMs ?? 0;
        const plan = planAfter(stored, to, windowMs, minArrivalMs);
        const views = [
          await windows.before(SHARD_KEY, plan, ledger),
          await new DedupWindows().before(SHARD_KEY, plan, ledger),
        ];
        const inside = new Set(
          stored
            .slice(0, to)
            .filter((one) => one.runMaxMs >= minArrivalMs - windowMs)
            .flatMap(({ ids }) => ids),
        );
        for (let id = 0; id <= 400; id += 7)
          for (const view of views) assert.equal(seen(view, String(id)), inside.has(String(id)));
      }
    }),
    { numRuns: 15 },
  );
});

test('a window with a missing entry is an error that names the entry', async () => {
  const stored = Array.from({ length: 500 }, (_, index) => ({ runMaxMs: index * 1000, ids: [] }));
  const { ledger } = ledgerOf(stored);
  const holed: WindowLedger = {
    ...ledger,
    async *windowEntries(shard, from, downTo) {
      for await (const entry of ledger.windowEntries(shard, from, downTo))
        if (entry.segment !== 137) yield entry;
    },
  };
  const plan = planAfter(stored, 500, HOUR_MS, 500_000);
  await assert.rejects(new DedupWindows().before(SHARD_KEY, plan, holed), /segment 137 of shard 1\.0/);
});

test('ids are added only for the segment that follows the window', async () => {
  const stored = Array.from({ length: 300 }, (_, index) => ({
    runMaxMs: index * 1000,
    ids: [`${index + 1}`],
  }));
  const { ledger } = ledgerOf(stored);
  const windows = new DedupWindows();
  await windows.before(SHARD_KEY, planAfter(stored, 200, HOUR_MS, 200_000), ledger);
  const sent = (segment: number) => ({ segment, runMaxMs: stored[segment - 1]?.runMaxMs ?? 0 }) as Head;
  windows.remember(SHARD_KEY, sent(202), packIds(['a stranger']));
  windows.remember(SHARD_KEY, sent(201), packIds(['201']));
  const view = await windows.before(SHARD_KEY, planAfter(stored, 202, HOUR_MS, 202_000), ledger);
  assert.deepEqual(
    ['201', '202', 'a stranger'].map((id) => seen(view, id)),
    [true, true, false],
  );
});
