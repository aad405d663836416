// Segments that cannot be read: named in as few runs as there are, and only the times that they may have added to are left out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { recountWorld } from '../support/recounted-world.ts';
import { StoreWorld, viewed, WORLD_START_MS } from '../support/store-world.ts';

const at = (hours: number) => ({ ...viewed('/a', 1), atMs: WORLD_START_MS + hours * HOUR_MS });

async function acceptingAnHour(): Promise<StoreWorld> {
  const world = await StoreWorld.make();
  world.acceptPastMs = HOUR_MS;
  return world;
}

test('shards that are read at once have a run each, however their segments interleave', async () => {
  const world = await acceptingAnHour();
  for (let segment = 0; segment < 20; segment += 1) {
    for (const shard of [0, 1, 2]) await world.count([at(0)], shard);
  }
  world.records.clear();
  const { unknown } = await recountWorld(world);
  assert.deepEqual(
    unknown.map(({ shard, first, last }) => [shard, first, last]).sort(),
    [0, 1, 2].map((shard) => [`1.${shard}`, 1, 20]),
  );
});

test('an unread segment that counted nothing leaves out no time beside that of its neighbours', async () => {
  for (const empty of [3, 4]) {
    const world = await acceptingAnHour();
    for (let segment = 1; segment <= 5; segment += 1) {
      world.nowMs += 5 * HOUR_MS;
      await world.count(segment === empty ? [] : [at(segment * 5)]);
    }
    await world.compact();
    for (const id of [...world.records.keys()].slice(2, 4)) world.records.delete(id);
    const { figures, unknown } = await recountWorld(world);
    assert.equal(unknown.length, 1);
    // Here an event may lie far after its arrival, so later hours are left out, too.
    assert.deepEqual(figures.hours, { compared: 2, partly: 0, unknown: 2 }, `segment ${empty} is empty`);
  }
});
