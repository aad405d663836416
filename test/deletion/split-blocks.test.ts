// A deletion rewrites a block that a compactor is splitting: the compactor has put the halves, and dies before the marker.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Transport } from '../../fake-aws/call.ts';
import { nameHash, rangeOf } from '../../lambdas/core/hash-range.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { deletePerson, PERSON } from '../support/deletions.ts';
import { crashing, interrupted } from '../support/disturbed.ts';
import { runs } from '../support/long.ts';
import { recountWorld } from '../support/recounted-world.ts';
import { isBlockPut, minutesOf, strayBlocks } from '../support/split-blocks.ts';
import { StoreWorld, type TestEvent, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const event = (entity: string, n = 1, metric = 'view'): TestEvent => ({
  metric,
  entity,
  atMs: WORLD_START_MS,
  n,
});
const OTHERS = ['/a', '/b', '/c', '/d', '/e', '/f', '/g'];

async function start(events: readonly TestEvent[]): Promise<StoreWorld> {
  const world = await StoreWorld.make({ slotBits: 0 });
  world.aws.s3.addBucket('archive');
  await world.write(await world.commit(worldShard(0), events));
  await world.compact();
  return world;
}

/** While the deletion waits, another event lets time pass, until a condition holds. */
const unless = (world: StoreWorld, holds: () => boolean) => async () => {
  if (!holds()) await world.write(await world.commit(worldShard(0), [event('/a')]));
};

const dyingBeforeMarker: Transport = async (call, perform) => {
  if (JSON.stringify(call.input).includes('"split"')) throw new Error('died before the marker');
  return perform();
};

/** Plays the race. @param late how many new entities arrive while the deletion runs, and make the block split */
async function race(late: number): Promise<StoreWorld> {
  const world = await start([PERSON, ...OTHERS].map((entity) => event(entity)));
  let hasSplit = false;
  const transport: Transport = async (call, perform) => {
    const text = JSON.stringify(call.input);
    if (!hasSplit && text.includes('"Item"') && text.includes('BLOCK#hours')) {
      hasSplit = true;
      world.nowMs += 1000;
      const more = Array.from({ length: late }, (_, index) => event(`/new/${index}`));
      await world.write(await world.commit(worldShard(0), more));
      await assert.rejects(world.compact(dyingBeforeMarker), /died/);
    }
    return perform();
  };
  await deletePerson(world, { transport, onPause: unless(world, () => hasSplit) });
  assert.ok(hasSplit);
  return world;
}

test('a deleted entity does not come back from halves that were put before the deletion', async () => {
  const world = await race(6);
  world.nowMs += HOUR_MS;
  await world.compact();
  for (const depth of [0, 1, 2]) assert.equal(await minutesOf(world, PERSON, depth), 0n, `depth ${depth}`);
  assert.deepEqual((await recountWorld(world)).differences, []);
});

test('halves that are no longer needed answer no question', async () => {
  for (const late of [3, 4]) {
    const world = await race(late);
    world.nowMs += HOUR_MS;
    await world.write(
      await world.commit(
        worldShard(0),
        OTHERS.map((entity) => event(entity, 100)),
      ),
    );
    await world.compact();
    for (const depth of [0, 1, 2]) {
      for (const entity of OTHERS.slice(1))
        assert.equal(await minutesOf(world, entity, depth), 101n, `${late} ${entity} depth ${depth}`);
    }
    assert.equal(await minutesOf(world, PERSON, 1), 0n);
  }
});

test('halves that a late compactor puts beneath a block that another kept whole answer no question', async () => {
  for (const late of [3, 4]) {
    const world = await start([PERSON, ...OTHERS].map((entity) => event(entity)));
    let hasBegun = false;
    const transport: Transport = async (call, perform) => {
      if (hasBegun || !isBlockPut(call)) return perform();
      hasBegun = true;
      world.nowMs += 1000;
      const more = Array.from({ length: late }, (_, index) => event(`/new/${index}`));
      await world.write(await world.commit(worldShard(0), more));
      const [reached, resumed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      // It has read the block, and is about to put the first half.
      const slow: Transport = async (one, go) => {
        if (isBlockPut(one)) {
          reached.resolve();
          await resumed.promise;
        }
        return go();
      };
      const first = world.compact(slow);
      await reached.promise;
      const answer = await perform();
      await world.compact();
      resumed.resolve();
      await first;
      return answer;
    };
    await deletePerson(world, { transport, onPause: unless(world, () => hasBegun) });
    assert.ok(hasBegun);
    assert.deepEqual(await strayBlocks(world), []);
    world.nowMs += HOUR_MS;
    await world.write(
      await world.commit(
        worldShard(0),
        OTHERS.map((entity) => event(entity, 100)),
      ),
    );
    await world.compact();
    for (const depth of [0, 1, 2]) {
      for (const entity of OTHERS.slice(1)) assert.equal(await minutesOf(world, entity, depth), 101n);
      assert.equal(await minutesOf(world, PERSON, depth), 0n);
    }
  }
});

test('what a compactor put several levels beneath a block before a deletion answers no question', async () => {
  const world = await StoreWorld.make({ slotBits: 0, blockBytes: 100_000 });
  world.aws.s3.addBucket('archive');
  const isIn = (range: string) => (one: TestEvent) =>
    rangeOf(nameHash(one.metric, one.entity), range.length) === range;
  const numbers = Array.from({ length: 400 }, (_, index) => index);
  const own = numbers.map((n) => event(PERSON, 1, `metric-${n}`)).filter(isIn('0'));
  const others = numbers.map((n) => event(`/other/${n}`)).filter(isIn('00'));
  await world.write(await world.commit(worldShard(0), [...own.slice(0, 40), ...others.slice(0, 12)]));
  await world.compact();
  let hasBegun = false;
  const transport: Transport = async (call, perform) => {
    if (hasBegun || !isBlockPut(call)) return perform();
    hasBegun = true;
    // From here on the block is too large.
    Object.assign(world.settings, { blockBytes: 1000 });
    world.nowMs += 1000;
    await world.write(await world.commit(worldShard(0), [event('/later')]));
    let puts = 0;
    const dying: Transport = async (one, go) => {
      if (isBlockPut(one) && ++puts > 1) throw new Error('died after its first block');
      return go();
    };
    await assert.rejects(world.compact(dying), /died/);
    return perform();
  };
  await deletePerson(world, { transport, onPause: unless(world, () => hasBegun) });
  assert.ok(hasBegun);
  world.nowMs += HOUR_MS;
  const again = others.slice(0, 12).map(({ entity }) => event(entity, 100));
  await world.write(await world.commit(worldShard(0), again));
  await world.compact();
  assert.deepEqual(await strayBlocks(world), []);
  for (const depth of [0, 1, 2, 3, 4])
    for (const { entity } of again)
      assert.equal(await minutesOf(world, entity, depth), 101n, `depth ${depth}`);
});

test('a compactor that dies anywhere beside a deletion leaves no block beneath another', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 5, max: 60 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 12 }),
      async (call, dies, late, first, more) => {
        const names = Array.from({ length: first }, (_, index) => `/${index}`);
        const world = await start([
          event(PERSON),
          event(PERSON, 1, 'play'),
          ...names.map((name) => event(name)),
        ]);
        const transport = interrupted(call, async () => {
          world.nowMs += 1000;
          const others = Array.from({ length: more }, (_, index) => event(`/new/${index}`));
          if (others.length > 0) await world.write(await world.commit(worldShard(0), others));
          await world.compact(crashing(dies, late)).catch(() => {});
        });
        let pauses = 0;
        const onPause = async () => {
          if (pauses++ < 3) await world.write(await world.commit(worldShard(0), [event('/0')]));
        };
        await deletePerson(world, { transport, onPause });
        for (let round = 0; round < 2; round += 1) {
          world.nowMs += DAY_MS + HOUR_MS;
          await world.write(await world.commit(worldShard(0), [event('/0')]));
          await world.compact();
        }
        assert.deepEqual(await strayBlocks(world), []);
        assert.deepEqual((await recountWorld(world)).differences, []);
      },
    ),
    { numRuns: runs(150), endOnFailure: true },
  );
});
