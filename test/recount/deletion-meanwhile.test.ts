// An entity is deleted while a recount repairs: what the deletion has taken out stays out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../fake-aws/call.ts';
import { periodAt } from '../../lambdas/core/level.ts';
import { deletePerson, PERSON } from '../support/deletions.ts';
import { recountWorld } from '../support/recounted-world.ts';
import { LEVELS, StoreWorld, viewed, WORLD_START_MS } from '../support/store-world.ts';

for (const level of ['hours', 'days', 'months', 'all'])
  test(`a repair does not bring back an entity that is deleted before its ${level} are compared`, async () => {
    const world = await StoreWorld.make();
    world.aws.s3.addBucket('archive');
    await world.count([viewed(PERSON, 3), viewed('/other', 1)]);
    await world.compactDays(2);
    let hasBegun = false;
    // The recount is about to read the level's blocks: by now it has read the register of deletions, and the rows.
    const transport: Transport = async (call, perform) => {
      const text = JSON.stringify(call.input);
      if (!hasBegun && call.operation === 'BatchGetItem' && text.includes(`BLOCK#${level}`)) {
        hasBegun = true;
        await deletePerson(world);
      }
      return perform();
    };
    const total = async (entity: string) => (await world.ask([['view', entity, { by: 'total' }]]))[0]?.total;
    assert.equal(await total(PERSON), 3n);
    await recountWorld(world, { repair: true, transport });
    assert.ok(hasBegun);
    assert.equal(await total(PERSON), 0n, 'the deleted entity');
    assert.equal(await total('/other'), 1n);
    for (const each of LEVELS) {
      const sums = await world.blockSums(each, [periodAt(each, WORLD_START_MS)]);
      assert.ok(
        [...sums.keys()].every((name) => !name.includes(PERSON)),
        `${each}: ${[...sums.keys()]}`,
      );
    }
  });
