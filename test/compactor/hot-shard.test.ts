// One shard has most of the events, others have few: what waits of it decides that the hours are due, not what an epoch takes of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Transport } from '../../fake-aws/call.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import { shardKey } from '../../lambdas/core/identifiers.ts';
import { ledgerKeys } from '../../lambdas/ledger/ledger-items.ts';
import { StoreWorld, viewed, WORLD_START_MS, worldShard } from '../support/store-world.ts';

test('the hours keep up with a shard that has more events than its share of an epoch', async () => {
  // An epoch takes three events of each of seven shards.
  const world = await StoreWorld.make({ slotBits: 0, rangeEventsMax: 21, cadence: { hoursMs: 300_000 } });
  const hot = worldShard(0);
  const end = async () => (await world.ledger.readHead(shardKey('1', hot)))?.segment ?? 0;
  /** Ten seconds: two segments of the hot shard, of 7 KB, and one of each other. */
  async function arrive(): Promise<void> {
    for (let segment = 0; segment < 2; segment += 1) {
      world.nowMs += 5_000;
      const messages = await world.commit(hot, [viewed('/a', 1, world.nowMs)]);
      await world.aws.clients().dynamoDb.send(
        new UpdateItemCommand({
          TableName: 'ledger',
          Key: ledgerKeys.entry(shardKey('1', hot), await end()),
          UpdateExpression: 'SET deltaBytes = :bytes',
          ExpressionAttributeValues: { ':bytes': { N: '7000' } },
        }),
      );
      await world.write(messages);
    }
    for (let shard = 1; shard <= 6; shard += 1)
      await world.write(await world.commit(worldShard(shard), [viewed('/b', 1, world.nowMs)]));
  }
  // An epoch of the hours takes ten seconds.
  let epoch = 0;
  const busy: Transport = async (call, perform) => {
    const answer = await perform();
    const text = JSON.stringify(call.input);
    if (!text.includes('UpdateExpression') || !text.includes('"hoursRevision"')) return answer;
    const { hours } = await world.state.readState();
    if (hours.epoch > epoch) {
      ({ epoch } = hours);
      await arrive();
    }
    return answer;
  };
  const behind: number[] = [];
  while (world.nowMs < WORLD_START_MS + 30 * 60_000) {
    await arrive();
    const untilMs = world.nowMs + 270_000;
    await compact(world.compactorPorts(busy), world.settings, () => world.nowMs < untilMs);
    const { hours } = await world.state.readState();
    behind.push((await end()) - (hours.covers.through[shardKey('1', hot)] ?? 0));
  }
  // 64 KB are ten segments; more make the hours due.
  const most = Math.max(...behind);
  assert.ok(most <= 20, `segments of the hot shard that wait, after each run: ${behind.join(' ')}`);
});
