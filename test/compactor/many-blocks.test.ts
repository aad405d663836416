// All time is one period, with a block for every few hundred entities. A day of events touches most of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../fake-aws/call.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import { StoreWorld, viewed, worldShard } from '../support/store-world.ts';

test('an epoch with more blocks than a run can read one by one is done after some runs', async () => {
  const world = await StoreWorld.make({ slotBits: 1, blockBytes: 60 });
  const entities = Array.from({ length: 400 }, (_, index) => viewed(`/${index}`, 1));
  await world.write(await world.commit(worldShard(0), entities));
  await world.compact();
  let blocks = 0;
  for await (const _ of world.store.blocksOf({ level: 'all', startMs: 0 })) blocks += 1;
  assert.ok(blocks > 150, `${blocks} blocks`);
  world.nowMs += 86_400_000;
  await world.write(await world.commit(worldShard(0), entities));
  let calls = 0;
  const counted: Transport = async (call, perform) => {
    if (call.operation !== 'Query' && JSON.stringify(call.input).includes('BLOCK#all')) calls += 1;
    return perform();
  };
  // A call is some 5 ms, so a run of 270 s has 54,000 for all time's. Here it has 90, for the 90 blocks of each range.
  for (let run = 0; run < 8; run += 1) {
    world.nowMs += 60_000;
    calls = 0;
    await compact(world.compactorPorts(counted), world.settings, () => calls < 90);
    const { hours, days, months, all } = await world.state.readState();
    if ([hours, days, months, all].every(({ epoch }) => epoch >= 2)) return;
  }
  const { hours, days, months, all } = await world.state.readState();
  const epochs = [hours, days, months, all].map(({ epoch }) => epoch).join('/');
  assert.fail(`after eight runs the levels are at epochs ${epochs}`);
});

/** Counts round trips: calls that are under way at once take one. */
function roundTrips() {
  let count = 0;
  let underWay: Promise<void> | undefined;
  const trip = async () => {
    count += 1;
    await new Promise((resolve) => setImmediate(resolve));
    underWay = undefined;
  };
  const transport: Transport = async (_, perform) => {
    underWay ??= trip();
    await underWay;
    return perform();
  };
  return { transport, count: () => count };
}

// A first epoch begins anew if its run is killed: one by one, 54,000 puts would be killed each time.
test('the blocks of a new period are put many at a time, and so are the lists of many metrics', async () => {
  const world = await StoreWorld.make({ slotBits: 1, blockBytes: 60 });
  const events = Array.from({ length: 400 }, (_, n) => ({ ...viewed(`/${n}`, 1), metric: `metric${n}` }));
  await world.write(await world.commit(worldShard(0), events));
  const { transport, count } = roundTrips();
  await compact(world.compactorPorts(transport), world.settings, () => true);
  let blocks = 0;
  for await (const _ of world.store.blocksOf({ level: 'all', startMs: 0 })) blocks += 1;
  assert.ok(blocks > 250, `${blocks} blocks`);
  const { entries = [] } = (await world.store.readTop('metric7', { level: 'all', startMs: 0 })) ?? {};
  assert.deepEqual(entries, [{ entity: '/7', n: 1n }]);
  // Each of four levels has as many blocks, and a list of each metric to read and to put.
  assert.ok(count() < 600, `${count()} round trips`);
});

test('an epoch that takes several runs has cost as much as one that takes one', async () => {
  const unitsOfSecondEpoch = async (looks: number) => {
    const world = await StoreWorld.make({ slotBits: 4, blockBytes: 400 });
    const events = Array.from({ length: 400 }, (_, n) => viewed(`/${n}`, 1));
    const run = async (looksAtClock: number) => {
      world.nowMs += 60_000;
      let left = looksAtClock;
      await compact(world.compactorPorts(), world.settings, () => left-- > 0);
    };
    await world.count(events);
    await run(Number.POSITIVE_INFINITY);
    await world.count(events);
    await run(looks);
    const isCut = (await world.state.readState()).hours.plan !== undefined;
    await run(Number.POSITIVE_INFINITY);
    const { hours } = await world.state.readState();
    assert.equal(hours.epoch, 2);
    return { isCut, writeUnits: hours.writeUnits };
  };
  const [whole, cut] = [await unitsOfSecondEpoch(1_000), await unitsOfSecondEpoch(12)];
  assert.deepEqual([whole.isCut, cut.isCut], [false, true]);
  assert.equal(cut.writeUnits, whole.writeUnits);
});

test('many periods with many blocks put no more at once than one does: a table that throttles only slows them down', async () => {
  const world = await StoreWorld.make({ slotBits: 1, blockBytes: 60 });
  const events = Array.from({ length: 20 }, (_, hour) => world.nowMs - hour * 3_600_000).flatMap((atMs) =>
    Array.from({ length: 50 }, (_, n) => viewed(`/${n}`, 1, atMs)),
  );
  await world.write(await world.commit(worldShard(0), events));
  let [underWay, most] = [0, 0];
  const counted: Transport = async (call, perform) => {
    if (call.operation !== 'PutItem') return perform();
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    return perform();
  };
  await compact(world.compactorPorts(counted), world.settings, () => true);
  assert.ok(most > 10 && most <= 32, `${most} puts at once`);
});
