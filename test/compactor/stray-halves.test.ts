// Three actors: a compactor that read a block before a deletion edited it, another that read it after, and the deletion.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../fake-aws/call.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { deletePerson, PERSON } from '../support/deletions.ts';
import { isBlockPut, minutesOf, strayBlocks } from '../support/split-blocks.ts';
import { StoreWorld, type TestEvent, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const event = (entity: string, n = 1): TestEvent => ({ metric: 'view', entity, atMs: WORLD_START_MS, n });
const OTHERS = ['/a', '/b', '/c', '/d', '/e', '/f', '/g'];

function gate() {
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let passed = false;
  return {
    reached: reached.promise,
    open: opened.resolve,
    async pass(): Promise<void> {
      if (passed) return;
      passed = true;
      reached.resolve();
      await opened.promise;
    },
  };
}

/**
 * What becomes of the first compactor, whose marker is refused: it begins the epoch again, it dies, or it puts its halves only after
 * the other one is done, and dies. Or the other one dies when it has put the block.
 */
type Fate = 'lives' | 'dies' | 'dies late' | 'outlives the other';

async function race(late: number, fate: Fate): Promise<StoreWorld> {
  const world = await StoreWorld.make({ slotBits: 0 });
  world.aws.s3.addBucket('archive');
  await world.write(
    await world.commit(
      worldShard(0),
      [PERSON, ...OTHERS].map((entity) => event(entity)),
    ),
  );
  await world.compact();
  let hasBegun = false;
  const transport: Transport = async (call, perform) => {
    if (hasBegun || !isBlockPut(call)) return perform();
    hasBegun = true;
    world.nowMs += 1000;
    const more = Array.from({ length: late }, (_, index) => event(`/new/${index}`));
    await world.write(await world.commit(worldShard(0), more));
    const [firstPut, changed, secondPut] = [gate(), gate(), gate()];
    let markers = 0;
    // The first compactor has read the block, and is about to put the first half.
    const one: Transport = async (each, go) => {
      if (isBlockPut(each)) await firstPut.pass();
      if (markers > 0 && fate === 'dies late') throw new Error('died');
      // After its refused marker it reads the state again: the other compactor is faster.
      if (markers > 0 && JSON.stringify(each.input).includes('STATE')) {
        if (fate === 'dies') throw new Error('died');
        await changed.pass();
      }
      if (isBlockPut(each) && JSON.stringify(each.input).includes('"split"')) markers += 1;
      return go();
    };
    let puts = 0;
    const two: Transport = async (each, go) => {
      if (puts > 0 && fate === 'outlives the other') throw new Error('died');
      if (!isBlockPut(each)) return go();
      await secondPut.pass();
      puts += 1;
      return go();
    };
    const first = world.compact(one).catch((error: unknown) => {
      if (!fate.startsWith('dies')) throw error;
      void changed.pass();
    });
    await firstPut.reached;
    const answer = await perform();
    // The second compactor reads the edited block: nothing is beneath it, and it fits.
    const second = world.compact(two);
    await secondPut.reached;
    if (fate !== 'dies late') {
      firstPut.open();
      await changed.reached;
    }
    secondPut.open();
    await second.catch((error: unknown) => assert.match(`${fate} ${error}`, /outlives.*died/));
    firstPut.open();
    changed.open();
    await first;
    return answer;
  };
  await deletePerson(world, {
    transport,
    onPause: async () => {
      if (!hasBegun) await world.write(await world.commit(worldShard(0), [event('/a')]));
    },
  });
  assert.ok(hasBegun);
  return world;
}

for (const fate of ['lives', 'dies', 'dies late', 'outlives the other'] as const)
  for (const late of [3, 4])
    test(`halves put beneath a block that another compactor keeps whole answer nothing: ${late}, ${fate}`, async () => {
      const world = await race(late, fate);
      const check = async (expected: bigint) => {
        for (const depth of [0, 1, 2]) {
          assert.equal(await minutesOf(world, PERSON, depth), 0n, `deleted, depth ${depth}`);
          for (const entity of OTHERS.slice(1))
            assert.equal(await minutesOf(world, entity, depth), expected, `${entity}, depth ${depth}`);
        }
        assert.deepEqual(await strayBlocks(world), []);
      };
      // What is put once all others are done is found in the next epoch.
      if (fate !== 'dies late') await check(1n);
      for (const round of [1n, 2n, 3n]) {
        world.nowMs += HOUR_MS;
        const more = OTHERS.map((entity) => event(entity, 100));
        await world.write(await world.commit(worldShard(0), more));
        await world.compact();
        await check(1n + 100n * round);
      }
    });
