import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../fake-aws/call.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { readTop } from '../../lambdas/query/read-top.ts';
import { parseTopQuery } from '../../lambdas/query/top-query.ts';
import { StoreWorld, type TestEvent, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const event = (metric: string, entity: string, n: number): TestEvent => ({
  metric,
  entity,
  atMs: WORLD_START_MS,
  n,
});

test('a top list has each entity once, though blocks are split while a late compactor reads them', async () => {
  const world = await StoreWorld.make({ slotBits: 0 });
  const limits = world.aws.dynamoDb.limits as { pageBytes: number };
  const { pageBytes } = limits;
  const first = Array.from({ length: 14 }, (_, index) => event('view', `/old/${index}`, index + 1));
  await world.write(await world.commit(worldShard(0), first));
  let scans = 0;
  let pages = 0;
  const late: Transport = async (call, perform) => {
    const text = JSON.stringify(call.input);
    if (call.operation !== 'Query' || !text.includes('BLOCK#hours')) return perform();
    if (!text.includes('ExclusiveStartKey')) {
      scans += 1;
      // Another compactor finishes the epoch: its lists are newer than those that this one has read.
      if (scans === 1) await world.compact();
      // From here on a page ends after each block.
      if (scans === 2) limits.pageBytes = 1;
    } else if (scans === 2) {
      pages += 1;
      if (pages === 2) {
        limits.pageBytes = pageBytes;
        // The next epoch has only another metric's rows of the hour, and splits its block.
        world.nowMs += 1000;
        const more = Array.from({ length: 20 }, (_, index) => event('play', `/new/${index}`, 1));
        await world.write(await world.commit(worldShard(0), more));
        await world.compact();
      }
    }
    return perform();
  };
  await world.compact(late);
  assert.ok(pages >= 2, 'the race was played');
  world.nowMs += DAY_MS + 2 * HOUR_MS;
  await world.compact();
  const query = parseTopQuery('view', { by: 'hour', at: '2026-11-23T08:00Z' }, world.nowMs);
  const { answer } = await readTop(query, world.queryPorts(), { retentions: world.settings.retentions });
  assert.deepEqual(
    answer.entries.map(({ entity, n }) => [entity, n]),
    first
      .map(({ entity, n }) => [entity, BigInt(n)])
      .reverse()
      .slice(0, 10),
  );
});
