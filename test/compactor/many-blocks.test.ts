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
