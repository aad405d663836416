// Segments without an entry, which the ledger deletes after its retention: what they may have counted is left alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { shardKey } from '../../lambdas/core/identifiers.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { ledgerKeys } from '../../lambdas/ledger/ledger-items.ts';
import { recountWorld } from '../support/recounted-world.ts';
import { StoreWorld, type TestEvent, viewed, worldShard } from '../support/store-world.ts';

const NARROW = { acceptPastMs: 7 * DAY_MS, acceptFutureMs: 600_000 };

async function accepting(settings: Pick<StoreWorld, 'acceptPastMs' | 'acceptFutureMs'>): Promise<StoreWorld> {
  return Object.assign(await StoreWorld.make(), settings);
}

/** A day (of the world's 25 hours) with one segment. */
async function day(world: StoreWorld, ...more: readonly TestEvent[]): Promise<void> {
  await world.count([viewed('/daily', 1, world.nowMs), ...more]);
  await world.compactDays(1);
}

async function expire(world: StoreWorld, first: number, last: number): Promise<void> {
  for (let segment = first; segment <= last; segment += 1) {
    const Key = ledgerKeys.entry(shardKey('1', worldShard(0)), segment);
    await world.aws.clients().dynamoDb.send(new DeleteItemCommand({ TableName: 'ledger', Key }));
  }
}

async function keepsAll(world: StoreWorld): Promise<void> {
  const { differences } = await recountWorld(world, { repair: true });
  assert.deepEqual(differences, []);
  const [answer] = await world.ask([['view', '/kept', { by: 'total' }]]);
  assert.equal(answer?.total, 7n);
}

test('an event far ahead stays, although the setting was lowered since', async () => {
  const world = await accepting({ ...NARROW, acceptFutureMs: 30 * DAY_MS });
  await day(world, viewed('/kept', 7, world.nowMs + 20 * DAY_MS));
  Object.assign(world, NARROW);
  for (let number = 2; number <= 12; number += 1) await day(world);
  world.nowMs += 20 * DAY_MS;
  await expire(world, 1, 4);
  await keepsAll(world);
  await expire(world, 5, 12);
  await keepsAll(world);
});

test('an old event stays, although the setting was lowered since, and an older segment is left', async () => {
  const world = await accepting({ ...NARROW, acceptPastMs: undefined });
  await day(world);
  await day(world, viewed('/kept', 7, world.nowMs - 300 * DAY_MS));
  Object.assign(world, NARROW);
  await day(world);
  await expire(world, 2, 2);
  await keepsAll(world);
});

test('what no missing segment can have accepted is compared', async () => {
  const world = await accepting(NARROW);
  for (let number = 1; number <= 30; number += 1) {
    // Raised for a day, and outlived by the tenth.
    Object.assign(world, number === 3 ? { ...NARROW, acceptFutureMs: 5 * DAY_MS } : NARROW);
    await day(world);
  }
  await expire(world, 11, 12);
  const { figures, unknown } = await recountWorld(world);
  assert.deepEqual(
    unknown.map(({ first, last }) => [first, last]),
    [[11, 12]],
  );
  const { fromMs = 0, toMs = 0 } = unknown[0] ?? {};
  assert.ok(toMs - fromMs <= NARROW.acceptPastMs + 3 * 25 * HOUR_MS + NARROW.acceptFutureMs + 1);
  // Seven days before the tenth, up to the thirteenth.
  assert.deepEqual(figures.hours, { compared: 20, partly: 0, unknown: 10 });
});
