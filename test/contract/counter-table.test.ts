// The counter items: what one conditional upsert does on a real table, again and again, in any order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CounterTable } from '../../lambdas/aws/counter-table.ts';
import { counterKey, counterUpdate } from '../../lambdas/counting/counter-item.ts';
import { segmentId } from '../../lambdas/counting/identifiers.ts';
import { SHARD_KEY } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const table = await services.table();
const counters = new CounterTable(services.dynamoDb, table);

const id = (segment: number) => segmentId(SHARD_KEY, segment);
const contribution = (segment: number, minutes: Record<number, number>, events = 1) => ({
  segment: id(segment),
  row: { events, minutes },
});
const apply = (entity: string, ...contributions: ReturnType<typeof contribution>[]) =>
  counters.apply(counterUpdate(counterKey('view', entity, '2026-11-22T05'), contributions, undefined));

async function read(entity: string, from = '2026-11-22T05:00Z', to = '2026-11-22T06:00Z') {
  const minutes: [string, bigint][] = [];
  for await (const item of counters.items('view', entity, Date.parse(from), Date.parse(to))) {
    for (const [minute, n] of item.minutes) {
      minutes.push([new Date(item.bucketStartMs + minute * 60_000).toISOString().slice(0, 16), n]);
    }
  }
  return Object.fromEntries(minutes);
}

test('an update makes the item, the same update again changes nothing', async () => {
  assert.equal(await apply('/a', contribution(1, { 7: 2, 8: -5 }, 3)), 'applied');
  const again = await apply('/a', contribution(1, { 7: 2, 8: -5 }, 3));
  assert.notEqual(again, 'applied');
  assert.ok(again !== 'applied' && again.has(id(1)));
  assert.deepEqual(await read('/a'), { '2026-11-22T05:07': 2n, '2026-11-22T05:08': -5n });
});

test('segments 2, 1, 2 are each applied once', async () => {
  assert.equal(await apply('/order', contribution(2, { 0: 20 })), 'applied');
  assert.equal(await apply('/order', contribution(1, { 0: 1 })), 'applied');
  assert.notEqual(await apply('/order', contribution(2, { 0: 20 })), 'applied');
  assert.deepEqual(await read('/order'), { '2026-11-22T05:00': 21n });
});

test('several segments are applied all or not at all, and the item tells which it has', async () => {
  await apply('/many', contribution(2, { 0: 2 }));
  await apply('/many', contribution(9, { 0: 9 }));
  const refused = await apply(
    '/many',
    contribution(1, { 0: 1 }),
    contribution(2, { 0: 2 }),
    contribution(3, { 0: 3 }),
  );
  assert.ok(refused !== 'applied');
  assert.deepEqual([...refused].sort(), [id(2), id(9)]);
  assert.deepEqual(await read('/many'), { '2026-11-22T05:00': 11n });
  assert.equal(await apply('/many', contribution(1, { 0: 1 }), contribution(3, { 0: 3 })), 'applied');
  assert.deepEqual(await read('/many'), { '2026-11-22T05:00': 15n });
});

test('an id that begins like another one is not that one', async () => {
  await apply('/prefix', contribution(1, { 0: 1 }));
  assert.equal(await apply('/prefix', contribution(36, { 0: 1 })), 'applied', '1.0.10 after 1.0.1');
});

test('racing writers of one segment: one applies, all others are told', async () => {
  const results = await Promise.all(
    Array.from({ length: 8 }, () => apply('/race', contribution(1, { 0: 1 }))),
  );
  assert.equal(results.filter((result) => result === 'applied').length, 1);
  assert.deepEqual(await read('/race'), { '2026-11-22T05:00': 1n });
});

test('the largest update and the longest entity are taken', async () => {
  const minutes = Object.fromEntries(Array.from({ length: 60 }, (_, minute) => [minute, 1e9]));
  const all = Array.from({ length: 50 }, (_, index) => contribution(36 ** 6 + index, minutes));
  const entity = '😀'.repeat(512);
  assert.equal(await apply(entity, ...all), 'applied');
  assert.equal((await read(entity))['2026-11-22T05:59'], 50_000_000_000n);
});

test('sums beyond 2^53 keep every digit', async () => {
  const { pk, sk } = counterKey('view', '/large', '2026-11-22T05');
  const Item = { pk: { S: pk }, sk: { S: sk }, n: { N: '9007199254740992' }, m00: { N: '9007199254740992' } };
  await services.dynamoDb.send(new PutItemCommand({ TableName: table, Item }));
  assert.equal(await apply('/large', contribution(1, { 0: 1 })), 'applied');
  assert.deepEqual(await read('/large'), { '2026-11-22T05:00': 9007199254740993n });
});

test('a range finds the buckets that touch it, of whatever width, and no other metric', async () => {
  for (const [metric, bucket] of [
    ['view', '2026-11-22T04'],
    ['view', '2026-11-22T05'],
    ['view', '2026-11-22T05~1'],
    ['view', '2026-11-22T05:15'],
    ['view', '2026-11-22T06'],
    ['view2', '2026-11-22T05'],
    ['vie', '2026-11-22T05'],
  ] as const) {
    const update = counterUpdate(
      counterKey(metric, '/range', bucket),
      [contribution(1, { 20: 1 })],
      undefined,
    );
    assert.equal(await counters.apply(update), 'applied');
  }
  const starts = [];
  const range = [Date.parse('2026-11-22T05:10Z'), Date.parse('2026-11-22T06:00Z')] as const;
  for await (const { bucketStartMs } of counters.items('view', '/range', ...range)) {
    starts.push(new Date(bucketStartMs).toISOString().slice(11, 16));
  }
  assert.deepEqual(starts.slice(0, 3).sort(), ['05:00', '05:00', '05:15']);
  const narrow = [];
  const quarter = [Date.parse('2026-11-22T05:10Z'), Date.parse('2026-11-22T05:12Z')] as const;
  for await (const { bucketStartMs } of counters.items('view', '/range', ...quarter))
    narrow.push(bucketStartMs);
  assert.ok(
    narrow.filter((startMs) => startMs === Date.parse('2026-11-22T05:00Z')).length === 2,
    'both items of the hour',
  );
});

test('an item carries its expiry', async () => {
  const key = counterKey('view', '/expiring', '2026-11-22T05');
  await counters.apply(counterUpdate(key, [contribution(1, { 0: 1 })], 1_900_000_000));
  for await (const item of counters.items('view', '/expiring', 0, Date.parse('2027-01-01T00:00Z'))) {
    assert.equal(item.expiresAt, 1_900_000_000);
    return;
  }
  assert.fail('the item was not found');
});

test('a table that answers is healthy, one that is not there is not', async () => {
  assert.equal(await counters.isHealthy(), true);
  assert.equal(await new CounterTable(services.dynamoDb, 'tally-test-no-such-table').isHealthy(), false);
});
