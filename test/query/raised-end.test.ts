// A retention was raised in mid-month. A range that ends in that month, and begins before the raise, says what it counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import type { LevelRetentionsMs } from '../../lambdas/core/watermark.ts';
import { StoreWorld, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const FOREVER: LevelRetentionsMs = { hours: undefined, days: undefined, months: undefined, all: undefined };
const THIRTY = { hours: 30 * DAY_MS, days: 30 * DAY_MS, months: 30 * DAY_MS, all: undefined };

test('retentions raised in mid-month: no answer leaves out what is kept only in its month, or in its day', async () => {
  const world = await StoreWorld.make();
  const counted: number[] = [];
  async function count(): Promise<void> {
    await world.write(
      await world.commit(worldShard(0), [{ metric: 'view', entity: '/a', n: 1, atMs: world.nowMs }]),
    );
    counted.push(world.nowMs);
  }
  async function run(retentions: LevelRetentionsMs): Promise<void> {
    await advanceCheckpoints(world.ledger, () => true);
    const settings = { retentions, acceptFutureMs: 10 * MINUTE_MS };
    await advanceWatermark(world.ledger, { shards: async () => world.shards }, '1', world.clock, settings);
    await world.compact();
  }
  await count();
  await run(THIRTY);
  world.nowMs += HOUR_MS;
  await run(FOREVER);
  world.nowMs += 5 * HOUR_MS;
  await count();
  for (world.nowMs = WORLD_START_MS + DAY_MS; world.nowMs < Date.UTC(2027, 0, 5); world.nowMs += DAY_MS) {
    await count();
    await run(FOREVER);
    if (world.nowMs < Date.UTC(2026, 11, 1)) continue;
    for (const to of [
      '2026-11-23T12:00Z',
      '2026-11-23T20:00Z',
      '2026-11-28T00:00Z',
      '2026-11-28T12:00Z',
      '2026-12-01T00:00Z',
    ])
      for (const from of ['2026-10-15T00:00Z', '2026-11-01T00:00Z', '2026-11-23T00:00Z', '2026-11-23T08:00Z'])
        for (const by of ['minute', 'hour', 'day', 'month', 'total']) {
          if (by === 'minute' && !(from.startsWith('2026-11-23') && to.startsWith('2026-11-23'))) continue;
          const [answer] = await world.ask([['view', '/a', { from, to, by }]], { retentions: FOREVER });
          assert.ok(answer !== undefined);
          const [fromMs, toMs] = [Date.parse(answer.from), Date.parse(answer.to)];
          const truth = counted.filter((atMs) => atMs >= fromMs && atMs < toMs).length;
          assert.equal(
            Number(answer.total),
            truth,
            `on ${new Date(world.nowMs).toISOString()}, from ${from} to ${to} by ${by}: ${answer.from} to ${answer.to} by ${answer.grain}`,
          );
        }
  }
});
