// A deletion rewrites a block that a compactor is splitting: the compactor has put the halves, and dies before the marker.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import type { Transport } from '../../fake-aws/call.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import { deletePerson, PERSON } from '../support/deletions.ts';
import { crashing, interrupted } from '../support/disturbed.ts';
import { runs } from '../support/long.ts';
import { recountWorld } from '../support/recounted-world.ts';
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
  const onPause = async () => {
    if (!hasSplit) await world.write(await world.commit(worldShard(0), [event('/a')]));
  };
  await deletePerson(world, { transport, onPause });
  assert.ok(hasSplit);
  return world;
}

/** An entity's minutes, as a warm container reads them that found another hour's blocks at a depth. */
async function minutesOf(world: StoreWorld, entity: string, depth: number): Promise<bigint> {
  const range = { by: 'minute', from: '2026-11-23T08:00Z', to: '2026-11-23T09:00Z' };
  const query = parseCountQuery('view', entity, range, world.nowMs);
  const ports = { ...world.queryPorts(), hints: new Map([['hours', depth] as const]) };
  const { retentions } = world.settings;
  const [read] = await readCounts([query], ports, { acceptFutureMs: 1e12, retentions });
  assert.ok(read !== undefined && 'answer' in read);
  return read.answer.total;
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

/** Blocks beneath a block that has rows. */
async function strayBlocks(world: StoreWorld): Promise<readonly string[]> {
  const { Items = [] } = await world.aws.clients().dynamoDb.send(new ScanCommand({ TableName: 'counts' }));
  const blocks = Items.filter(({ pk }) => pk?.S?.startsWith('BLOCK')).map(({ pk, sk, rows }) => {
    const period = pk?.S?.split('#').slice(1, 3).join('#');
    return { name: `${period} ${sk?.S}`, isLeaf: rows !== undefined };
  });
  const leaves = blocks.filter(({ isLeaf }) => isLeaf);
  return blocks
    .map(({ name }) => name)
    .filter((name) => leaves.some((leaf) => name !== leaf.name && name.startsWith(leaf.name)));
}

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
