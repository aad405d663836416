// The compactor's own passes against the plan's: how often a counter is recomputed, and how often segments are looked at for that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompactorSettings } from '../../lambdas/compactor/compaction.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { configurationOf } from '../../lib/configuration.ts';
import { passesOf } from '../../plan/levels.ts';
import { modelOf } from '../../plan/model.ts';
import { ranksOf, USUAL_WORKLOAD } from '../../plan/workload.ts';
import { SweptWorld, shardAt } from '../support/swept-world.ts';

const HOUR = Date.UTC(2026, 10, 29, 5);
const SETTINGS: Omit<CompactorSettings, 'sweepItems'> = {
  generation: '1',
  retentionsMs: { counters: undefined, days: undefined, months: undefined },
  // Months are never due.
  intervalsMs: { days: HOUR_MS, months: 1e15 },
  settleMs: 0,
  patienceMs: 0,
  concurrency: 64,
  portionItems: 1_000,
  lookingMs: 60_000,
  topLists: { entriesMax: 10, certainMin: 1, remakeSegmentsMax: 0, remakeCountersMax: 0 },
};

/** Compacts segments on two shards that all touch the same counters. */
async function compacted(counters: number, sweepItems: number) {
  const world = new SweptWorld();
  const rows = Array.from({ length: counters }, (_, at) => ({
    metric: 'view',
    entity: `/${at}`,
    hourMs: HOUR,
  }));
  for (let segment = 0; segment < 4; segment += 1) world.add(shardAt(segment % 2), [rows]);
  world.applyAll();
  const { recomputed, passes } = await world.compact({ ...SETTINGS, sweepItems });
  // One look at the months, which are not due.
  return { recomputed, passes: passes - 1 };
}

test('a counter is recomputed once, in no more passes than the plan says', async () => {
  for (const [counters, sweepItems] of [
    [40, 1_000],
    [40, 40],
    [50, 40],
    [51, 40],
    [300, 40],
    [7, 1],
  ] as const) {
    const { recomputed, passes } = await compacted(counters, sweepItems);
    assert.equal(recomputed, counters);
    const [least, most] = [Math.ceil(counters / (1.25 * sweepItems)), passesOf(counters, sweepItems)];
    assert.ok(
      least <= passes && passes <= most,
      `${counters}, ${sweepItems}: ${least} ≤ ${passes} ≤ ${most}`,
    );
  }
});

test('a counter is recomputed once an interval, until a run can not look at all that an interval touched', () => {
  const timesAt = (eventsPerSecond: number, streamShards: number) => {
    const w = { ...USUAL_WORKLOAD, entities: 1_000_000, eventsPerSecond };
    const settings = {
      streamShards,
      bucketMinutes: 2,
      aggregatorWindowSeconds: 15,
    } as const;
    const { levels } = modelOf(w, ranksOf(w), configurationOf('prod', settings)).mean;
    return levels.itemsAnHour / levels.leastItemsAnHour;
  };
  assert.equal(timesAt(10, 1), 1);
  assert.equal(timesAt(1_000, 2), 1);
  // A day of it is more than a run can look at: the months are taken in two steps.
  const [tens, hundreds] = [timesAt(10_000, 17), timesAt(100_000, 167)];
  assert.ok(1 < tens && tens < 1.2, `${tens}`);
  assert.ok(tens < hundreds && hundreds < 3, `${hundreds}`);
});
