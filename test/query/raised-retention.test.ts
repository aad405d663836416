// A retention that is raised brings nothing back: what is gone is answered by the next grain, with a note, and never with 0.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import { DAY_MS, isoSeconds, MINUTE_MS } from '../../lambdas/core/time.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import { StoreWorld, viewed, WORLD_START_MS } from '../support/store-world.ts';

const retentions = (days: number) => ({
  hours: days * DAY_MS,
  days: undefined,
  months: undefined,
  all: undefined,
});

test('minutes kept for 30 days, then for 400: a day 100 days ago has its hours, and says that its minutes are gone', async () => {
  const world = await StoreWorld.make();
  async function run(kept: ReturnType<typeof retentions>): Promise<void> {
    await advanceCheckpoints(world.ledger, () => true);
    const settings = { retentions: kept, acceptFutureMs: 0 };
    await advanceWatermark(world.ledger, { shards: async () => world.shards }, '1', world.clock, settings);
    await world.compact();
  }
  async function ask(by: string, kept: ReturnType<typeof retentions>) {
    const from = isoSeconds(WORLD_START_MS - DAY_MS);
    const query = parseCountQuery(
      'view',
      '/a',
      { by, from, to: isoSeconds(WORLD_START_MS + DAY_MS) },
      world.nowMs,
    );
    const [read] = await readCounts([query], world.queryPorts(), { acceptFutureMs: 0, retentions: kept });
    assert.ok(read !== undefined && !(read instanceof InvalidQuery));
    const { total, grain, note } = read.answer;
    return [Number(total), grain, note !== undefined];
  }

  await world.count(Array.from({ length: 75 }, (_, i) => viewed('/a', 1, WORLD_START_MS - i * MINUTE_MS)));
  await run(retentions(30));
  for (let days = 0; days < 100; days += 5) {
    world.nowMs += 5 * DAY_MS;
    await world.count([viewed('/b', 1, world.nowMs)]);
    await run(retentions(30));
  }
  const raised = retentions(400);
  const hours = [75, 'hour', false];
  const instead = [75, 'hour', true];
  assert.deepEqual([await ask('hour', raised), await ask('minute', raised)], [hours, instead], 'deployed');
  await run(raised);
  assert.deepEqual([await ask('hour', raised), await ask('minute', raised)], [hours, instead], 'in force');
  await world.count([viewed('/a', 1)]);
  for (const when of ['on its way', 'compacted']) {
    assert.deepEqual(
      [await ask('hour', raised), await ask('minute', raised)],
      [
        [76, 'hour', false],
        [76, 'hour', true],
      ],
      when,
    );
    world.nowMs += DAY_MS;
    await run(raised);
  }
});

test('nothing is compacted before the accountant has recorded what is kept: a retention may be raised before', async () => {
  const world = await StoreWorld.make();
  await world.count([viewed('/a', 1)]);
  const atFirst = { ...world.settings, retentions: retentions(30) };
  const { epochs } = await compact(world.compactorPorts(), atFirst, () => true);
  assert.deepEqual(epochs, { hours: 0, days: 0, months: 0, all: 0 });
  const raised = { retentions: retentions(400), acceptFutureMs: 0 };
  await advanceWatermark(world.ledger, { shards: async () => world.shards }, '1', world.clock, raised);
  await compact(world.compactorPorts(), { ...world.settings, ...raised }, () => true);
  world.nowMs += 100 * DAY_MS;
  const range = { from: isoSeconds(WORLD_START_MS), to: isoSeconds(WORLD_START_MS + DAY_MS), by: 'minute' };
  const [answer] = await world.ask([['view', '/a', range]], { retentions: retentions(400) });
  assert.deepEqual([answer?.total, answer?.grain], [1n, 'minute']);
});
