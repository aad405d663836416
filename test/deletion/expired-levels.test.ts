// A deletion finds an entity where the levels above have nothing of it any more, or never had it as minutes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../fake-aws/call.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { deletePerson, itemsNaming, PERSON } from '../support/deletions.ts';
import { StoreWorld, WORLD_START_MS, worldShard } from '../support/store-world.ts';

/** Compacts under settings that keep minutes, hours and days for some days. @param days undefined: forever */
async function compactKeeping(world: StoreWorld, days: number | undefined): Promise<void> {
  const ms = days === undefined ? undefined : days * DAY_MS;
  await world.account({ retentions: { hours: ms, days: ms, months: ms, all: undefined }, acceptFutureMs: 0 });
  await world.compact();
}

const FOREVER = { hours: undefined, days: undefined, months: undefined, all: undefined };

for (const [what, personMs, range] of [
  [
    'beneath a month whose block is gone',
    WORLD_START_MS + 2 * DAY_MS,
    { from: '2026-11-25T00:00Z', to: '2026-11-26T00:00Z' },
  ],
  [
    'in an hour of a day whose block is gone',
    WORLD_START_MS + 6 * HOUR_MS,
    { from: '2026-11-23T14:00Z', to: '2026-11-23T15:00Z' },
  ],
] as const)
  test(`${what}, because a retention was raised in it`, async () => {
    // Deltas are kept for 60 days.
    const world = await StoreWorld.make({}, 60 * DAY_MS);
    world.aws.s3.addBucket('archive');
    const run = (days: number | undefined) => compactKeeping(world, days);
    const one = (entity: string) => ({ metric: 'view', entity, n: 1, atMs: world.nowMs });
    await world.write(await world.commit(worldShard(0), [one('/a')]));
    await run(30);
    world.nowMs += HOUR_MS;
    await run(undefined);
    world.nowMs = personMs;
    await world.write(await world.commit(worldShard(0), [one(PERSON)]));
    for (; world.nowMs < Date.UTC(2027, 1, 20); world.nowMs += DAY_MS) {
      await world.write(await world.commit(worldShard(0), [one('/a')]));
      await run(undefined);
    }
    const minutes = async () => (await world.ask([['view', PERSON, { by: 'minute', ...range }]]))[0]?.total;
    assert.equal(await minutes(), 1n);
    await deletePerson(world, {
      onPause: async () => world.write(await world.commit(worldShard(0), [one('/a')])),
    });
    assert.equal(await minutes(), 0n);
  });

/** Adds a day that ends with an epoch. @param keptDays as for `compactKeeping` */
async function addDay(
  world: StoreWorld,
  keptDays: number | undefined,
  ...names: readonly (readonly [metric: string, entity: string])[]
): Promise<void> {
  const events = names.map(([metric, entity]) => ({ metric, entity, n: 1, atMs: world.nowMs }));
  await world.write(await world.commit(worldShard(0), events));
  await compactKeeping(world, keptDays);
  world.nowMs += DAY_MS;
}

/** A world whose first months are gone, since their retention was lowered, while the days and hours beneath are not. */
async function loweredWorld(): Promise<StoreWorld> {
  const world = await StoreWorld.make({}, 60 * DAY_MS);
  world.aws.s3.addBucket('archive');
  for (let day = 0; day < 4; day += 1) await addDay(world, undefined, ['view', PERSON], ['view', '/a']);
  world.nowMs = Date.UTC(2026, 11, 10, 8);
  await addDay(world, undefined, ['view', PERSON], ['play', PERSON]);
  while (world.nowMs < Date.UTC(2027, 2, 20)) await addDay(world, 30, ['view', '/a']);
  return world;
}

test('in days and hours that were stored forever, although their month is gone since a retention was lowered', async () => {
  const world = await loweredWorld();
  const before = await itemsNaming(world);
  for (const item of ['TOP#hours#2026-11-23T08 view', 'TOP#hours#2026-12-10T08 play'])
    assert.ok(before.includes(item), before.join());
  await deletePerson(world, { onPause: () => addDay(world, 30, ['view', '/a']) });
  assert.deepEqual(await itemsNaming(world), []);
});

/** How many keys of blocks and of top lists a deletion reads. */
async function readsOf(world: StoreWorld, dryRun: boolean) {
  const reads = { BLOCK: 0, TOP: 0 };
  const transport: Transport = async ({ input }, perform) => {
    const keys = JSON.stringify(input).matchAll(/"pk":\{"S":"(BLOCK|TOP)#/g);
    for (const [, kind] of keys) reads[kind as keyof typeof reads] += 1;
    return perform();
  };
  await deletePerson(world, { transport, dryRun, onPause: () => addDay(world, 30, ['view', '/a']) });
  return reads;
}

test('beneath periods that are gone only under the metrics that it has above', async () => {
  for (const dryRun of [true, false]) {
    const [few, many] = [await loweredWorld(), await loweredWorld()];
    await many.store.addMetrics(Array.from({ length: 50 }, (_, number) => `other-${number}`));
    const [least, most] = [await readsOf(few, dryRun), await readsOf(many, dryRun)];
    for (const kind of ['BLOCK', 'TOP'] as const)
      assert.ok(
        most[kind] <= 3 * least[kind],
        `${kind}: ${most[kind]} and ${least[kind]}, dry run: ${dryRun}`,
      );
  }
});

test('under a metric whose events all came after the retention of their minutes', async () => {
  const world = await StoreWorld.make({ retentions: { ...FOREVER, hours: 8 * DAY_MS } });
  world.aws.s3.addBucket('archive');
  // Seven days old on arrival, and parked for three days more.
  const rare = { metric: 'rare', entity: PERSON, atMs: WORLD_START_MS - 7 * DAY_MS, n: 5 };
  const parked = await world.commit(worldShard(0), [rare]);
  world.nowMs += 3 * DAY_MS;
  const other = () => ({ metric: 'view', entity: '/a', atMs: world.nowMs, n: 1 });
  await world.write(await world.commit(worldShard(0), [other()]));
  await world.write(parked);
  await world.compact();
  const total = async () => (await world.ask([['rare', PERSON, {}]]))[0]?.total;
  assert.equal(await total(), 5n);
  assert.deepEqual(await world.store.metrics(), ['rare', 'view']);
  await deletePerson(world, {
    onPause: async () => world.write(await world.commit(worldShard(0), [other()])),
  });
  assert.equal(await total(), 0n);
});
