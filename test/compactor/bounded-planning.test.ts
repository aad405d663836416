// What a plan of the hours reads of the ledger, after compaction stood still.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../fake-aws/call.ts';
import { StoreWorld, viewed, worldShard } from '../support/store-world.ts';

test('a plan reads no more entries of the ledger than an epoch takes, however many wait', async () => {
  // Forty events are a small epoch here, as eight million are with 16 slots and the deployed 500,000.
  const world = await StoreWorld.make({ slotBits: 1, rangeEventsMax: 20 });
  for (let segment = 0; segment < 60; segment += 1) {
    for (const shard of [0, 1]) await world.write(await world.commit(worldShard(shard), [viewed('/a', 1)]));
    world.nowMs += 5_000;
  }
  // An entry to a page, so that each one read is a call.
  (world.aws.dynamoDb.limits as { pageBytes: number }).pageBytes = 1;
  let read = 0;
  let first: number | undefined;
  const counted: Transport = async (call, perform) => {
    const text = JSON.stringify(call.input);
    if (call.operation === 'Query' && text.includes('"ledger"')) read += 1;
    if (call.operation === 'UpdateItem' && text.includes('hoursRevision')) first ??= read;
    return perform();
  };
  await world.compact(counted);
  assert.equal((await world.state.readState()).hours.events, 120);
  assert.ok(first !== undefined && first < 60, `the first plan, of at most 40 events, read ${first} entries`);
});
