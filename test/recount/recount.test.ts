// The recount: equal where the store is right, and every kind of wrong figure found, named and put right.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { recountWorld } from '../support/recounted-world.ts';
import { StoreWorld, type TestEvent, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const HOUR_MS = 3_600_000;

const event: fc.Arbitrary<TestEvent> = fc.record({
  metric: fc.constantFrom('play', 'view'),
  entity: fc.nat({ max: 40 }).map((number) => `/videos/${number}`),
  atMs: fc.nat({ max: 40 * 24 * 60 }).map((minutes) => WORLD_START_MS - minutes * 60_000),
  n: fc.integer({ min: -3, max: 5 }),
});

/** A world with some segments, of which the last ones are compacted, written, or on their way. */
async function countedWorld(batches: readonly (readonly TestEvent[])[], compacted: number) {
  const world = await StoreWorld.make();
  for (const [index, events] of batches.entries()) {
    world.nowMs += 60_000;
    const messages = await world.commit(worldShard(index % 3), events);
    if (index === batches.length - 1) break;
    await world.write(messages);
    if (index < compacted) await world.compact();
  }
  return world;
}

describe('a recount', () => {
  test('of a store that is right finds nothing, however far it is compacted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(event, { minLength: 1, maxLength: 80, size: 'max' }), { minLength: 1, maxLength: 8 }),
        fc.nat({ max: 8 }),
        async (batches, compacted) => {
          const world = await countedWorld(batches, compacted);
          const found = await recountWorld(world);
          assert.deepEqual(found.differences, []);
          assert.deepEqual([found.unknown, found.stuck, found.restless], [[], undefined, 0]);
          assert.equal(found.events, batches.flat().length);
        },
      ),
      { numRuns: 30 },
    );
  });
});
