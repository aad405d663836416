import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bucketOfSortKey,
  counterExpiresAt,
  counterKey,
  counterUpdate,
  counterUpdateParams,
  EXPIRY_GRACE_MS,
  EXPIRY_MARGIN_MS,
  isExpired,
  UPDATE_SEGMENTS_MAX,
} from '../../lambdas/counting/counter-item.ts';
import { segmentId } from '../../lambdas/counting/identifiers.ts';
import { SHARD_KEY } from '../support/records.ts';

const key = counterKey('view', '/a', '2026-11-22T05');
const contribution = (segment: number, minutes: Record<number, number>, events = 1) => ({
  segment: segmentId(SHARD_KEY, segment),
  row: { events, minutes },
});

test('one update adds the sum of several segments, on condition that none is applied', () => {
  const update = counterUpdate(
    key,
    [contribution(1, { 7: 2, 8: -1 }, 3), contribution(2, { 7: 4 })],
    1_800_000_000,
  );
  assert.deepEqual(counterUpdateParams(update), {
    UpdateExpression: 'ADD n :n, e :e, applied :applied, m07 :m07, m08 :m08 SET expiresAt = :expiresAt',
    ConditionExpression: 'NOT contains(applied, :s0) AND NOT contains(applied, :s1)',
    ExpressionAttributeValues: {
      ':n': { N: '5' },
      ':e': { N: '4' },
      ':applied': { SS: ['1.0.1', '1.0.2'] },
      ':m07': { N: '6' },
      ':m08': { N: '-1' },
      ':expiresAt': { N: '1800000000' },
      ':s0': { S: '1.0.1' },
      ':s1': { S: '1.0.2' },
    },
  });
});

test('where there is an index of open hours, an update puts its item in or takes it out; else it says nothing of it', () => {
  const expression = (expiresAt: number | undefined, mark: Parameters<typeof counterUpdateParams>[1]) => {
    const update = counterUpdate(key, [contribution(1, { 7: 2 })], expiresAt);
    const { UpdateExpression, ExpressionAttributeValues } = counterUpdateParams(update, mark);
    return [UpdateExpression, ExpressionAttributeValues[':openHour']];
  };
  const add = 'ADD n :n, e :e, applied :applied, m07 :m07';
  assert.deepEqual(expression(undefined, undefined), [add, undefined]);
  assert.deepEqual(expression(undefined, { in: 'x' }), [`${add} SET openHour = :openHour`, { S: 'x' }]);
  const both = `${add} SET expiresAt = :expiresAt, openHour = :openHour`;
  assert.deepEqual(expression(9, { in: 'x' }), [both, { S: 'x' }]);
  assert.deepEqual(expression(9, 'out'), [`${add} SET expiresAt = :expiresAt REMOVE openHour`, undefined]);
});

test('the largest update stays within 4 KB of expression and 300 operators', () => {
  const minutes = Object.fromEntries(Array.from({ length: 60 }, (_, minute) => [minute, 1e9]));
  const all = Array.from({ length: UPDATE_SEGMENTS_MAX }, (_, index) =>
    contribution(36 ** 6 + index, minutes),
  );
  const { UpdateExpression, ConditionExpression } = counterUpdateParams(
    counterUpdate(key, all, 1_800_000_000),
    { in: 'x' },
  );
  assert.ok(UpdateExpression.length + ConditionExpression.length <= 4096);
  const operators = ConditionExpression.match(/NOT|contains|AND/g)?.length ?? 0;
  assert.ok(operators + 65 <= 300, String(operators));
});

test('the longest entity is a partition key of exactly the 2,048 bytes that DynamoDB allows', () => {
  const longest = counterKey('m'.repeat(64), '😀'.repeat(512), '2026-11-22T05:15');
  assert.equal(Buffer.byteLength(longest.pk), 2048);
  assert.ok(Buffer.byteLength(longest.sk) <= 1024);
  assert.equal(bucketOfSortKey(longest.sk), '2026-11-22T05:15');
});

test('two counters never share a key, whatever their names hold', () => {
  const pairs = [
    ['a', 'b#c'],
    ['a', '#b#c'],
    ['a.b', 'c'],
    ['H', 'H#2026-11-22T05'],
  ] as const;
  const keys = pairs.map(([metric, entity]) => JSON.stringify(counterKey(metric, entity, '2026-11-22T05')));
  assert.equal(new Set(keys).size, pairs.length);
});

test('an item expires its retention after its hour ends, and is left alone a while before that', () => {
  const endMs = Date.UTC(2026, 10, 22, 6);
  assert.equal(counterExpiresAt('2026-11-22T05', undefined), undefined);
  const expiresAt = counterExpiresAt('2026-11-22T05', 86_400_000);
  assert.equal(expiresAt, (endMs + 86_400_000 + EXPIRY_GRACE_MS) / 1000);
  for (const bucket of ['2026-11-22T05:30', '2026-11-22T05:00~3', '2026-11-22T05~1']) {
    assert.equal(counterExpiresAt(bucket, 86_400_000), expiresAt, 'all items of an hour go together');
  }
  const lastMs = endMs + 86_400_000 + EXPIRY_GRACE_MS - EXPIRY_MARGIN_MS;
  assert.equal(isExpired(expiresAt, lastMs - 1), false);
  assert.equal(isExpired(expiresAt, lastMs), true);
  assert.equal(isExpired(undefined, Number.MAX_SAFE_INTEGER), false);
});
