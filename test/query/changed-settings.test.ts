// A changed setting takes nothing away that was counted before it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import type { LevelRetentionsMs, RecordedSettings } from '../../lambdas/core/watermark.ts';
import type { QuerySettings } from '../../lambdas/query/read-counts.ts';
import { StoreWorld, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const FOREVER: LevelRetentionsMs = { hours: undefined, days: undefined, months: undefined, all: undefined };
const EVENT = { metric: 'view', entity: '/a', n: 1 };
/** An entity that only keeps the pipeline moving. */
const OTHER = { ...EVENT, entity: '/b' };
const FUTURE_MS = 10 * MINUTE_MS;

async function start(deltaRetentionMs?: number) {
  const world = await StoreWorld.make({}, deltaRetentionMs);
  async function account(settings: RecordedSettings): Promise<void> {
    await advanceCheckpoints(world.ledger, () => true);
    await advanceWatermark(world.ledger, { shards: async () => world.shards }, '1', world.clock, settings);
  }
  return {
    world,
    account,
    async count(event: typeof EVENT, atMs = world.nowMs): Promise<void> {
      await world.write(await world.commit(worldShard(0), [{ ...event, atMs }]));
    },
    /** The accountant and the compactor run, under these settings. */
    async run(retentions: LevelRetentionsMs, acceptFutureMs = FUTURE_MS): Promise<void> {
      await account({ retentions, acceptFutureMs });
      await world.compact();
    },
    async ask(parameters: Record<string, string>, different: Partial<QuerySettings> = {}) {
      const settings = { acceptFutureMs: FUTURE_MS, retentions: FOREVER, ...different };
      const [answer] = await world.ask([['view', '/a', parameters]], settings);
      assert.ok(answer !== undefined);
      return answer;
    },
  };
}

test('retentions raised in mid-month: days are answered though the block of their month goes first', async () => {
  const { world, count, run, ask } = await start();
  const range = { from: '2026-11-25T00:00Z', to: '2026-11-28T00:00Z' };
  await count(EVENT);
  await run({ hours: 30 * DAY_MS, days: 30 * DAY_MS, months: 30 * DAY_MS, all: undefined });
  world.nowMs += HOUR_MS;
  await run(FOREVER);
  for (world.nowMs = WORLD_START_MS + DAY_MS; world.nowMs < Date.UTC(2027, 0, 5); world.nowMs += DAY_MS) {
    await count(EVENT);
    await run(FOREVER);
    if (world.nowMs < Date.UTC(2026, 11, 1)) continue;
    for (const by of ['minute', 'hour', 'day', 'total'])
      assert.equal(
        (await ask({ ...range, by })).total,
        3n,
        `by ${by} on ${new Date(world.nowMs).toISOString()}`,
      );
  }
});

test('a retention raised while the next hour has counts: its minutes are answered, or said to be gone', async () => {
  const { world, count, run, ask } = await start();
  const [short, range] = [
    { ...FOREVER, hours: 8 * DAY_MS },
    { from: '2026-11-23T09:00Z', to: '2026-11-23T10:00Z' },
  ];
  world.nowMs = WORLD_START_MS + 55 * MINUTE_MS;
  await run(short);
  // From a clock that is eight minutes ahead.
  await count(EVENT, world.nowMs + 8 * MINUTE_MS);
  await run(short);
  world.nowMs += MINUTE_MS;
  await run(FOREVER);
  for (let day = 1; day < 12; day += 1) {
    world.nowMs = WORLD_START_MS + day * DAY_MS;
    await count(OTHER);
    await run(FOREVER);
    for (const by of ['minute', 'hour'])
      assert.equal((await ask({ ...range, by })).total, 1n, `${by} on day ${day}`);
  }
});

test('acceptFutureSeconds lowered: what was accepted for a later time is still answered', async () => {
  const { world, count, run, ask } = await start();
  const range = { from: '2026-11-23T00:00Z', to: '2026-11-26T00:00Z' };
  await count(EVENT, WORLD_START_MS + 30 * HOUR_MS);
  await run(FOREVER, 48 * HOUR_MS);
  world.nowMs += MINUTE_MS;
  await count(OTHER);
  await run(FOREVER, FUTURE_MS);
  assert.equal((await ask(range)).total, 1n);
  assert.equal((await ask({ ...range, by: 'hour' })).total, 1n);
});

test('deltaRetentionDays raised while compaction stands still: completeThrough vouches for no delta that is gone', async () => {
  const { world, count, account, ask } = await start(30 * DAY_MS);
  await count(EVENT);
  const settingsOf = (days: number) => ({
    retentions: FOREVER,
    acceptFutureMs: FUTURE_MS,
    deltaRetentionMs: days * DAY_MS,
  });
  await account(settingsOf(30));
  const vouched: boolean[] = [];
  for (let day = 1; day < 70; day += 1) {
    world.nowMs = WORLD_START_MS + day * DAY_MS;
    await count(OTHER);
    await account(settingsOf(day < 20 ? 30 : 60));
    const range = { from: '2026-11-23T00:00Z', to: '2026-11-24T00:00Z' };
    const { total, completeThrough } = await ask(range, { deltaRetentionMs: 60 * DAY_MS });
    vouched.push(completeThrough !== null);
    assert.ok(completeThrough === null || total === 1n, `day ${day}: ${total}, ${completeThrough}`);
  }
  assert.deepEqual(
    vouched.slice(0, 28),
    Array.from({ length: 28 }, () => true),
  );
});
