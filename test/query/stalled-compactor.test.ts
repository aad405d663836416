// Answers while compaction is stalled: right as long as the rows exist, and never claiming more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { crashing, hoursOnly } from '../support/disturbed.ts';
import { StoreWorld, viewed, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const RETENTIONS = { hours: 10 * DAY_MS, days: 40 * DAY_MS, months: 400 * DAY_MS, all: undefined };

/** A world in which all levels have the first day, the hours alone the second, and deltas alone the third. */
async function stalledWorld(): Promise<StoreWorld> {
  const world = await StoreWorld.make({ retentions: RETENTIONS });
  for (const day of [0, 1, 2]) {
    world.nowMs = WORLD_START_MS + day * DAY_MS;
    const atMs = world.nowMs - 3 * HOUR_MS;
    await world.count(['/a', '/b'].map((entity) => viewed(entity, 10 ** day, atMs)));
    if (day === 0) await world.compact();
    if (day === 1) await assert.rejects(world.compact(hoursOnly), /stands still/);
  }
  return world;
}

/** Everything that arrived before is counted. */
async function counted({ ledger }: StoreWorld, throughMs: number): Promise<void> {
  const known = await ledger.readWatermark();
  await ledger.putWatermark({ ...known, throughMs, revision: known.revision + 1 });
}

async function answers(world: StoreWorld, deltaRetentionMs?: number) {
  const range = { from: '2026-01-01T00:00Z', to: '2027-12-01T00:00Z' };
  const ask = ['total', 'month', 'day'].map((by) => ['view', '/a', { ...range, by }] as const);
  return world.ask(ask, { deltaRetentionMs });
}

test('a total is right when the hours have expired before an upper level took their rows', async () => {
  for (const days of [3, 15, 60, 500]) {
    const world = await stalledWorld();
    world.nowMs = WORLD_START_MS + days * DAY_MS;
    const totals = (await answers(world)).map(({ total }) => total);
    assert.deepEqual(totals, [111n, 111n, 111n], `after ${days} days`);
    // And while an upper level is under way.
    for (const calls of [30, 34, 38, 42, 46, 50]) {
      await world.compact(crashing(calls, false)).catch(() => {});
      assert.deepEqual((await answers(world))[0]?.total, 111n, `after ${days} days, ${calls} calls`);
    }
  }
});

test('nothing is published once deltas may have expired and a level has not compacted any', async () => {
  const world = await StoreWorld.make({ retentions: RETENTIONS });
  await world.count([viewed('/a', 1)]);
  await counted(world, world.nowMs);
  const claimed = async () =>
    new Set((await answers(world, 7 * DAY_MS)).map((answer) => answer.completeThrough));
  const whole = new Set([new Date(world.nowMs).toISOString()]);
  const startMs = world.nowMs;
  for (const transport of [undefined, hoursOnly]) {
    if (transport !== undefined) await assert.rejects(world.compact(transport), /stands still/);
    world.nowMs = startMs + 6 * DAY_MS;
    assert.deepEqual(await claimed(), whole);
    world.nowMs = startMs + 8 * DAY_MS;
    assert.deepEqual(await claimed(), new Set([null]));
    world.nowMs = startMs;
  }
});

test('nothing is published beyond what was compacted once deltas may have expired', async () => {
  const world = await stalledWorld();
  await counted(world, WORLD_START_MS + 2 * DAY_MS);
  const published = async (deltaRetentionMs: number | undefined) =>
    (await answers(world, deltaRetentionMs)).map(({ completeThrough }) => completeThrough);
  world.nowMs = WORLD_START_MS + 20 * DAY_MS;
  const all = new Date(WORLD_START_MS + 2 * DAY_MS).toISOString();
  assert.deepEqual(await published(undefined), [all, all, all]);
  assert.deepEqual(await published(30 * DAY_MS), [all, all, all]);
  // The upper levels have the first day only.
  const first = new Date(WORLD_START_MS).toISOString();
  assert.deepEqual(await published(7 * DAY_MS), [first, first, first]);
});

test('what was final stays so when a shard that was idle for longer than deltas are kept gets a record', async () => {
  const RETENTION_MS = 60 * DAY_MS;
  const FOREVER = { hours: undefined, days: undefined, months: undefined, all: undefined };
  const world = await StoreWorld.make({ cadence: { hoursMs: 300_000 } }, RETENTION_MS);
  world.acceptPastMs = 30 * DAY_MS;
  const count = async (shard: number, entity: string, atMs = world.nowMs) =>
    world.write(await world.commit(worldShard(shard), [viewed(entity, 1, atMs)]));
  const run = async () => {
    await world.account({ retentions: FOREVER, deltaRetentionMs: RETENTION_MS, acceptFutureMs: 0 });
    await world.compact();
  };
  const day = (daysAgo: number) => new Date(WORLD_START_MS - daysAgo * DAY_MS).toISOString().slice(0, 10);
  const states = async () => {
    const asked = { from: day(42), to: day(40), by: 'day', fill: 'zero' };
    const [answer] = await world.ask([['view', '/a', asked]], { deltaRetentionMs: RETENTION_MS });
    return answer?.points.map(({ state }) => state);
  };
  for (const shard of [0, 1]) await count(shard, '/a', WORLD_START_MS - 20 * DAY_MS);
  await run();
  for (let days = 0; days < 70; days += 1) {
    world.nowMs += DAY_MS;
    await count(1, '/b');
    await run();
  }
  assert.deepEqual(await states(), ['final', 'final']);
  for (let hours = 0; hours < 30; hours += 6) {
    world.nowMs += 6 * HOUR_MS;
    for (const shard of [0, 1]) await count(shard, '/b');
    await run();
    assert.deepEqual(await states(), ['final', 'final'], `${hours} hours later`);
  }
});
