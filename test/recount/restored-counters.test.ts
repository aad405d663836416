// Counters restored to a point in time, with the state of compaction of that time, as the runbook has it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AttributeValue,
  DeleteItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { recountWorld } from '../support/recounted-world.ts';
import { StoreWorld, viewed } from '../support/store-world.ts';

type Item = Record<string, AttributeValue>;

async function itemsOf(world: StoreWorld, TableName: string): Promise<Item[]> {
  const { Items = [] } = await world.aws.clients().dynamoDb.send(new ScanCommand({ TableName }));
  return structuredClone(Items);
}

test('a repair of all hours counts again what was counted since, at every level, also next month', async () => {
  const world = await StoreWorld.make({}, 60 * DAY_MS);
  const { dynamoDb } = world.aws.clients();
  world.acceptPastMs = 7 * DAY_MS;
  world.nowMs = Date.UTC(2026, 10, 30, 12);
  let inDecember = 0;
  /** An event every two hours, and the stream's retention of a week. */
  const countUntil = async (untilMs: number) => {
    for (; world.nowMs < untilMs; world.nowMs += 2 * HOUR_MS) {
      if (world.nowMs >= Date.UTC(2026, 11, 1) && world.nowMs < Date.UTC(2027, 0, 1)) inDecember += 1;
      await world.count([viewed('/a', 1, world.nowMs)]);
      await world.compact();
    }
    for (const [segment, [record]] of world.records)
      if (Number(record?.arrivalMs) < world.nowMs - 7 * DAY_MS) world.records.delete(segment);
  };
  await countUntil(Date.UTC(2026, 11, 18, 12));
  const counters = await itemsOf(world, 'counts');
  const state = (await itemsOf(world, 'ledger')).find(({ pk }) => pk?.S === 'COMPACTION');
  assert.ok(state !== undefined && !JSON.stringify(state).includes('"plan":'), 'no epoch is under way');
  await countUntil(Date.UTC(2026, 11, 20, 12));

  for (const { pk, sk } of await itemsOf(world, 'counts'))
    await dynamoDb.send(new DeleteItemCommand({ TableName: 'counts', Key: { pk, sk } as Item }));
  for (const Item of counters) await dynamoDb.send(new PutItemCommand({ TableName: 'counts', Item }));
  await dynamoDb.send(new PutItemCommand({ TableName: 'ledger', Item: state }));
  await recountWorld(world, { repair: true });

  await countUntil(Date.UTC(2027, 0, 8));
  for (const by of ['day', 'month', 'total']) {
    const range = { by, from: '2026-12-01T00:00Z', to: '2027-01-01T00:00Z' };
    const [answer] = await world.ask([['view', '/a', range]]);
    assert.equal(Number(answer?.total), inDecember, `by ${by}`);
  }
});
