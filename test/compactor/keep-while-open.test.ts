// A segment that stays open longer than deltas and entries are kept: everything else is compacted, and nothing of it is lost.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { keepWhileOpen } from '../../lambdas/compactor/keep-while-open.ts';
import { shardKey } from '../../lambdas/core/identifiers.ts';
import {
  decodeRollupMessage,
  encodeMessages,
  type RollupMessage,
} from '../../lambdas/core/rollup-message.ts';
import { DAY_MS } from '../../lambdas/core/time.ts';
import { discardDropped, discardParked } from '../../lambdas/redriver/operate.ts';
import { StoreWorld, viewed, worldShard } from '../support/store-world.ts';

const RETENTION_MS = 60 * DAY_MS;
const SHARD = worldShard(0);
const FOREVER = { hours: undefined, days: undefined, months: undefined, all: undefined };
const MANY = Array.from({ length: 400 }, (_, n) => viewed(`/${n}-${'x'.repeat(20)}${Math.sin(n)}`, 1));
const DISCARDING = { by: 'test', at: '2026-01-01T00:00:00.000Z', why: 'test' };

/** A world in which all but one delta of a segment is counted, and then some days pass. */
async function halfCounted(days: number) {
  const world = await StoreWorld.make({}, RETENTION_MS, RETENTION_MS);
  const content = decodeRollupMessage((await world.commit(SHARD, MANY))[0]?.body ?? '');
  const [missing, ...others] = content.deltas;
  assert.ok(missing !== undefined && others.length > 1);
  const messageOf = (deltas: typeof others) =>
    encodeMessages(deltas, content.earliestHourMs) as [RollupMessage];
  await world.write(messageOf(others));
  const { segment } = content;
  const part = { segment, missing, message: messageOf([missing])[0] };
  await pass(world, days);
  return { world, part, counted: 400 - missing.events };
}

/** Days with one event each. */
async function pass(world: StoreWorld, days: number): Promise<void> {
  for (let day = 0; day < days; day += 1) {
    world.nowMs += DAY_MS;
    await world.write(await world.commit(SHARD, [viewed('/other', 1, world.nowMs)]));
    await world.account({ retentions: FOREVER, deltaRetentionMs: RETENTION_MS, acceptFutureMs: 0 });
    await world.compact();
  }
}

async function totalsOf(world: StoreWorld): Promise<readonly number[]> {
  const names = ['/other', ...MANY.map(({ entity }) => entity)];
  const answers = await world.ask(names.map((name) => ['view', name, { by: 'total' }] as const));
  const [other = 0, ...many] = answers.map(({ total }) => Number(total));
  return [other, many.reduce((sum, each) => sum + each, 0)];
}

const operator = ({ ledger, store, clock }: StoreWorld) => {
  const kept: string[] = [];
  const parked = {
    keepDiscarded: async ({ name }: { readonly name: string }) => void kept.push(name),
    remove: async () => {},
  };
  const fail = async () => {
    throw new Error('not used');
  };
  const deadLetters = { giveBack: fail, park: fail, remove: fail };
  return { ledger, deltas: store, clock, parked, deadLetters };
};

describe('after 62 days, with retentions of 60, the missing delta of a segment is', () => {
  test('counted: every event is in the totals', async () => {
    const { world, part } = await halfCounted(62);
    assert.equal((await totalsOf(world))[1], 400 - part.missing.events);
    await world.write([part.message]);
    await pass(world, 63);
    assert.deepEqual(await totalsOf(world), [125, 400]);
  });

  test('parked, then discarded: the others are in the totals', async () => {
    const { world, part, counted } = await halfCounted(1);
    await world.ledger.notePlace(part.segment, [part.missing.part], 'parked');
    await pass(world, 61);
    const { body } = part.message;
    const message = { name: 'x', body, history: { rounds: 0, firstFailedMs: 0, reason: 'test' } } as never;
    assert.equal(await discardParked(message, DISCARDING, operator(world)), 'discarded');
    await pass(world, 63);
    assert.deepEqual(await totalsOf(world), [125, counted]);
  });

  test('dropped by a queue: its events are in flight, and it can be given up', async () => {
    const { world, part, counted } = await halfCounted(62);
    const status = await readStatus(world.ledger);
    assert.deepEqual([status.inFlight, status.counted], [part.missing.events, counted + 62]);
    const name = `${part.segment}/${part.missing.part}`;
    assert.equal(await discardDropped(name, DISCARDING, operator(world)), 'discarded');
    const openBefore = (await world.state.readState()).hours.covers.open;
    await pass(world, 2);
    assert.deepEqual([openBefore.length, (await world.state.readState()).hours.covers.open.length], [1, 0]);
    assert.ok((await world.ledger.readWatermark()).throughMs > world.nowMs - 2 * DAY_MS);
    await pass(world, 61);
    assert.deepEqual(await totalsOf(world), [125, counted]);
  });
});

/** How many deltas and entries never expire. */
async function withoutExpiry(world: StoreWorld): Promise<readonly number[]> {
  const { dynamoDb } = world.aws.clients();
  const count = async (TableName: string, key: string) => {
    const { Items = [] } = await dynamoDb.send(new ScanCommand({ TableName }));
    return Items.filter(
      ({ pk, sk, expiresAt }) => `${pk?.S} ${sk?.S}`.includes(key) && expiresAt === undefined,
    ).length;
  };
  return [await count('counts', 'DELTA#'), await count('ledger', ' SEG#')];
}

test('once settled, entry and deltas expire as others do, though they were kept or noted as dead', async () => {
  const { world, part } = await halfCounted(10);
  const keptNow = () => withoutExpiry(world);
  const [deltas = 0, entries] = await keptNow();
  assert.ok(deltas > 1);
  assert.equal(entries, 1);
  await world.ledger.notePlace(part.segment, [part.missing.part], 'dead');
  await world.write([part.message]);
  await pass(world, 1);
  assert.deepEqual(await keptNow(), [0, 0]);
  // Dead, returned and counted before the compactor sees it.
  const message = (await world.commit(SHARD, [viewed('/other', 1, world.nowMs)]))[0];
  assert.ok(message !== undefined);
  const { segment } = decodeRollupMessage(message.body);
  await world.ledger.notePlace(segment, [0], 'dead');
  await world.write([message]);
  await pass(world, 1);
  assert.deepEqual(await keptNow(), [0, 0]);
});

test('a compactor that read an entry before it was settled, and acts afterwards, leaves nothing without expiry', async () => {
  const { world, part } = await halfCounted(0);
  world.nowMs += 2 * DAY_MS;
  const shard = shardKey('1', SHARD);
  const [stale] = await world.ledger.readEntries(shard, [1]);
  assert.ok(stale !== undefined);
  await world.write([part.message]);
  await world.compact();
  await keepWhileOpen(shard, stale, world.compactorPorts());
  assert.deepEqual(await withoutExpiry(world), [0, 0]);
});
