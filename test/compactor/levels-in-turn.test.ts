// While the hours are due again as soon as an epoch of theirs is done, days, months and all time must follow all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Transport } from '../../fake-aws/call.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import { shardKey } from '../../lambdas/core/identifiers.ts';
import { ledgerKeys } from '../../lambdas/ledger/ledger-items.ts';
import { StoreWorld, viewed, WORLD_START_MS, worldShard } from '../support/store-world.ts';

test('upper levels are compacted though more than 64 KB a slot arrive during each epoch of the hours', async () => {
  const world = await StoreWorld.make({ slotBits: 0, cadence: { hoursMs: 300_000 } });
  const shard = worldShard(0);
  /** A segment of 70 KB of deltas, as 100,000 events a second make within seconds. */
  async function arrive(): Promise<void> {
    world.nowMs += 5_000;
    const messages = await world.commit(shard, [viewed('/a', 1, world.nowMs)]);
    const segment = (await world.ledger.readHead(shardKey('1', shard)))?.segment ?? 0;
    await world.aws.clients().dynamoDb.send(
      new UpdateItemCommand({
        TableName: 'ledger',
        Key: ledgerKeys.entry(shardKey('1', shard), segment),
        UpdateExpression: 'SET deltaBytes = :bytes',
        ExpressionAttributeValues: { ':bytes': { N: '70000' } },
      }),
    );
    await world.write(messages);
  }
  const busy: Transport = async (call, perform) => {
    const answer = perform();
    const text = JSON.stringify(call.input);
    // An epoch of the hours takes a while: meanwhile more arrives.
    if (text.includes('UpdateExpression') && text.includes('"hoursRevision"')) {
      await arrive();
    }
    return answer;
  };
  await arrive();
  // Three hours of runs, each of which lasts four minutes and a half.
  while (world.nowMs < WORLD_START_MS + 3 * 3_600_000) {
    const untilMs = world.nowMs + 270_000;
    await compact(world.compactorPorts(busy), world.settings, () => world.nowMs < untilMs);
  }
  const { hours, days, months, all } = await world.state.readState();
  assert.ok(hours.epoch > 100, `${hours.epoch} epochs of the hours`);
  assert.ok(
    days.epoch > 1 && months.epoch > 0 && all.epoch > 0,
    `epochs: hours ${hours.epoch}, days ${days.epoch}, months ${months.epoch}, all ${all.epoch}`,
  );
});
