// One entity at one fixed time, as a stuck clock sends it: one row, for any number of shards and segments.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { periodAt } from '../../lambdas/core/level.ts';
import { StoreWorld, viewed, WORLD_START_MS } from '../support/store-world.ts';

test('50 shards and 1,100 segments with one entity in one minute: one block, one place in the top', async () => {
  const world = await StoreWorld.make();
  const [atMs, neighbours] = [WORLD_START_MS - 60_000, 3];
  for (let segment = 0; segment < 1_100; segment += 1) {
    const stuck = viewed('/stuck', 1, atMs);
    const others = Array.from({ length: segment < neighbours ? 1 : 0 }, () => ({
      ...stuck,
      entity: `/${segment}`,
    }));
    await world.count([stuck, ...others], segment % 50);
    if (segment % 400 === 399) await world.compact();
    world.nowMs += 1_000;
  }
  await world.compact();
  const period = periodAt('hours', atMs);
  const sums = await world.blockSums('hours', [period]);
  assert.deepEqual(
    [...sums.values()].sort((a, b) => Number(b - a)),
    [1_100n, 1n, 1n, 1n],
  );
  let bytes = 0;
  for await (const { rows } of world.store.blocksOf(period)) bytes += rows.byteLength;
  assert.ok(bytes < 1_000, `${bytes} bytes`);
  const { entries = [] } = (await world.store.readTop('view', period)) ?? {};
  assert.deepEqual(
    entries.map(({ entity }) => entity),
    ['/stuck', '/0', '/1', '/2'],
  );
  assert.equal(Number(entries[0]?.n), 1_100);
});
