// Messages that a queue dropped before they were written, as after a lowered queueRetentionDays, or a purge of dead letters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentId, shardKey } from '../../lambdas/core/identifiers.ts';
import { emittedPlaces } from '../../lambdas/core/segment-entry.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { recountWorld } from '../support/recounted-world.ts';
import { StoreWorld, viewed, worldShard } from '../support/store-world.ts';

const RETENTIONS = { hours: undefined, days: undefined, months: undefined, all: undefined };
const RANGE = { by: 'total', from: '2026-11-01T00:00Z', to: '2026-12-31T00:00Z' };

for (const place of ['in flight', 'dead'])
  test(`a recount names those ${place} after a day, and its repair counts them`, async () => {
    const world = await StoreWorld.make({}, 60 * DAY_MS);
    const account = () => world.account({ retentions: RETENTIONS, acceptFutureMs: 0 });
    for (let segments = 0; segments < 3; segments += 1) {
      world.nowMs += HOUR_MS;
      await world.commit(worldShard(0), [viewed('/a', 1, world.nowMs)]);
      const segment = segmentId(shardKey('1', worldShard(0)), segments + 1);
      if (place === 'dead') await world.ledger.notePlace(segment, [0], 'dead');
    }
    const droppedMs = world.nowMs;
    assert.equal((await recountWorld(world)).differing, 0, 'their messages may be on their way');
    for (let halfDays = 0; halfDays < 10; halfDays += 1) {
      world.nowMs += 12 * HOUR_MS;
      await world.count([viewed('/b', 1, world.nowMs)]);
      await account();
      await world.compact();
    }
    const { differing, differences } = await recountWorld(world);
    assert.equal(differing, 3);
    assert.deepEqual(
      differences.map(({ entity, expected, stored }) => [entity, expected, stored]),
      Array(3).fill(['/a', '1 events', 'none']),
    );
    assert.equal((await recountWorld(world, { repair: true })).repaired, 3);
    assert.equal((await recountWorld(world)).differing, 0);
    world.nowMs += HOUR_MS;
    await world.count([viewed('/b', 1, world.nowMs)]);
    await account();
    await world.compact();
    const [answer] = await world.ask([['view', '/a', RANGE]]);
    assert.equal(answer?.total, 3n);
    assert.ok(Date.parse(answer?.completeThrough ?? '') > droppedMs);
  });

test('a discard killed between its tombstone and its note: a repair notes it, and nothing waits for the part', async () => {
  const world = await StoreWorld.make({}, 60 * DAY_MS);
  const { ledger, store, nowMs: discardedMs } = world;
  await world.commit(worldShard(0), [viewed('/a', 1)]);
  const shard = shardKey('1', worldShard(0));
  const [
    {
      parts: [cut],
      runMaxMs,
    } = assert.fail(),
  ] = await ledger.readEntries(shard, [1]);
  const { range } = cut ?? assert.fail();
  await store.putTombstone({ segment: segmentId(shard, 1), part: 0, range, runMaxMs });
  world.nowMs += 2 * DAY_MS;
  assert.equal((await recountWorld(world, { repair: true })).repaired, 1);
  assert.equal((await recountWorld(world)).differing, 0);
  await world.count([viewed('/b', 1, world.nowMs)]);
  await world.account({ retentions: RETENTIONS, acceptFutureMs: 0 });
  await world.compact();
  const [answer] = await world.ask([['view', '/a', RANGE]]);
  assert.equal(answer?.total, 0n);
  assert.ok(Date.parse(answer?.completeThrough ?? '') > discardedMs + DAY_MS);
});

test('what a repair counts past the retention of its minutes is expired, as if the writer had counted it', async () => {
  const retentions = { ...RETENTIONS, hours: 2 * DAY_MS };
  const world = await StoreWorld.make({ retentions }, 60 * DAY_MS);
  await world.commit(worldShard(0), [
    viewed('/a', 1, world.nowMs),
    viewed('/a', 1, world.nowMs + 2 * DAY_MS),
  ]);
  world.nowMs += 4 * DAY_MS;
  for (const _ of ['once', 'again']) await recountWorld(world, { repair: true, settings: { retentions } });
  const [entry] = await world.ledger.readEntries(shardKey('1', worldShard(0)), [1]);
  assert.ok(entry !== undefined);
  const { counted, expired } = emittedPlaces(entry);
  assert.deepEqual([counted, expired], [1, 1]);
  assert.deepEqual(
    world.expired.map(({ segment, part }) => [segment, part]),
    [['1.0.1', 0]],
  );
});
