// `tally delete-entity` compacts before it looks, and while it waits. On a busy stack more arrives during each epoch.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compactNow, type StoreAccess } from '../../cli/shared/store-access.ts';
import type { Transport } from '../../fake-aws/call.ts';
import { StoreWorld, viewed, worldShard } from '../support/store-world.ts';

test('compaction for a waiting operator ends, though more is settled during each epoch', async () => {
  const world = await StoreWorld.make();
  const shard = worldShard(0);
  let segments = 0;
  const arrive = async () => {
    world.nowMs += 5_000;
    segments += 1;
    await world.write(await world.commit(shard, [viewed('/a', 1, world.nowMs)]));
  };
  await arrive();
  const busy: Transport = async (call, perform) => {
    const answer = await perform();
    const text = JSON.stringify(call.input);
    if (call.operation === 'UpdateItem' && text.includes('"hoursRevision"')) {
      assert.ok(segments < 100, 'still compacting after eight minutes');
      await arrive();
    }
    return answer;
  };
  const access = { compactor: world.compactorPorts(busy), settings: world.settings };
  await compactNow(access as unknown as StoreAccess);
});
