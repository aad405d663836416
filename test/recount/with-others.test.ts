// A recount beside everything else: generations, lost records, deletions, compaction, and its own death.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { entityHash } from '../../lambdas/core/deletions.ts';
import type { SegmentId } from '../../lambdas/core/identifiers.ts';
import { periodAt } from '../../lambdas/core/level.ts';
import { HOUR_MS, isoSeconds } from '../../lambdas/core/time.ts';
import { crashing, inTurns, interrupted } from '../support/disturbed.ts';
import { compactedWorld, nothingDiffers, recountWorld, type Saved } from '../support/recounted-world.ts';
import { changeRow, removeBlocks } from '../support/store-changes.ts';
import { LEVELS, StoreWorld, viewed, WORLD_START_MS, worldShard } from '../support/store-world.ts';

describe('a recount', () => {
  test('sees that a second generation has counted the same records', async () => {
    const world = await compactedWorld();
    assert.deepEqual((await recountWorld(world)).twice, []);
    for (const segment of ['1.0.1', '1.0.2'] as const) {
      const records = world.records.get(segment as SegmentId) ?? assert.fail();
      await world.write(await world.commitRecords(worldShard(0), records, '2'));
    }
    await world.compact();
    const found = await recountWorld(world);
    // What both have produced is what is stored: only the records tell.
    assert.deepEqual(found.differences, []);
    assert.deepEqual(
      found.twice.map(({ shard }) => shard),
      [worldShard(0)],
    );
  });

  test('names segments that cannot be produced, reports nothing complete that they may have added to, and repairs nothing there', async () => {
    const world = await StoreWorld.make();
    world.acceptPastMs = HOUR_MS;
    for (let hour = 0; hour < 4; hour += 1) {
      const atMs = WORLD_START_MS + hour * HOUR_MS;
      world.nowMs = atMs + 60_000;
      await world.count([viewed('/a', 1, atMs)]);
    }
    world.nowMs += HOUR_MS;
    await world.compact();
    world.records.delete('1.0.4' as SegmentId);
    for (const hour of [0, 3]) {
      await changeRow(
        world,
        periodAt('hours', WORLD_START_MS + hour * HOUR_MS),
        '/a',
        () => new Map([[0, 4n]]),
      );
    }
    const range = { fromMs: WORLD_START_MS, toMs: WORLD_START_MS + 4 * HOUR_MS };
    // Here an event's time may lie far after its arrival, so that the segment may have added to every later hour.
    for (const repair of [false, true]) {
      const found = await recountWorld(world, { range, repair });
      assert.deepEqual(
        found.unknown.map(({ first, last, reason }) => [first, last, reason]),
        [[4, 4, 'trimmed']],
      );
      assert.deepEqual(
        found.differences.map(({ of }) => of),
        [isoSeconds(WORLD_START_MS)],
      );
      assert.deepEqual(found.figures.hours, { compared: 2, partly: 0, unknown: 2 });
    }
    const left = await world.blockSums('hours', [periodAt('hours', WORLD_START_MS + 3 * HOUR_MS)]);
    assert.deepEqual([...left.values()], [4n]);
  });

  test('omits what the register of deletions covers, and finds what a deletion left behind', async () => {
    const world = await compactedWorld();
    await world.state.registerDeletion({ entityHash: entityHash('/a'), throughMs: world.nowMs });
    const found = await recountWorld(world);
    assert.deepEqual(
      new Set(found.differences.map(({ entity, expected }) => `${entity} ${expected}`)),
      new Set(['/a none']),
    );
    await recountWorld(world, { repair: true });
    await nothingDiffers(world);
    for (const level of LEVELS) {
      const sums = await world.blockSums(level, [periodAt(level, WORLD_START_MS)]);
      assert.ok([...sums.keys()].every((name) => !name.includes(' /a ')));
    }
  });

  test('can be killed at any point, continues from its saved state, and gives the same result', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 400 }), fc.boolean(), async (calls, late) => {
        const world = await compactedWorld();
        const period = periodAt('hours', WORLD_START_MS);
        for (const entity of ['/a', '/nobody'])
          await changeRow(world, period, entity, () => new Map([[0, 44n]]));
        await removeBlocks(world, periodAt('days', WORLD_START_MS));
        const saved: Saved = { state: undefined, spill: undefined };
        await recountWorld(world, { repair: true, saved, transport: crashing(calls, late) }).catch(() => {});
        await recountWorld(world, { repair: true, saved });
        await nothingDiffers(world);
        for (const level of ['hours', 'days'] as const) {
          const top = await world.store.readTop('view', periodAt(level, WORLD_START_MS));
          assert.deepEqual(top?.entries.map(({ entity, n }) => [entity, n]).slice(0, 2), [
            ['/a', 3n],
            ['/b', 2n],
          ]);
        }
      }),
      { numRuns: 12 },
    );
  });

  test('beside running compaction finds nothing, and repairs what is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
        fc.boolean(),
        async (order, repair) => {
          const world = await compactedWorld();
          if (repair)
            await changeRow(world, periodAt('hours', WORLD_START_MS), '/a', () => new Map([[0, 44n]]));
          world.nowMs += 60_000;
          await world.count([viewed('/a', 1)], 1);
          const turns = inTurns(order);
          const [found] = await Promise.all([
            recountWorld(world, { repair, transport: turns(true) }),
            world.compact(turns(false)),
          ]);
          if (!repair) assert.deepEqual(found.differences, []);
          assert.equal(found.restless, 0);
          await world.compact();
          await nothingDiffers(world);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('is not misled by an epoch that runs between any two of its calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 120 }), fc.boolean(), async (call, repair) => {
        const world = await compactedWorld();
        world.nowMs += 60_000;
        await world.count([viewed('/a', 1)], 1);
        const transport = interrupted(call, async () => {
          await world.compact();
        });
        // One part: there are few calls, and many of them are between reading a head and its blocks.
        const found = await recountWorld(world, {
          repair,
          transport,
          settings: { partEvents: 1000 },
        });
        assert.deepEqual([found.differences, found.differing, found.restless], [[], 0, 0]);
      }),
      { numRuns: 30 },
    );
  });
});
