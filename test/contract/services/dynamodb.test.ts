// Items of DynamoDB as Tally relies on them: conditions, updates and limits, on every target.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConditionalCheckFailedException, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { get, type Item, newKey, put, refusal, services, update } from './support/table.ts';

/** Whether a condition holds for an item, by an update that changes nothing. */
async function holds(item: Item, condition: string, values?: Item, names?: Record<string, string>) {
  try {
    await put(item, {
      ConditionExpression: condition,
      ...(values && { ExpressionAttributeValues: values }),
      ...(names && { ExpressionAttributeNames: names }),
    });
    return true;
  } catch (error) {
    assert.ok(error instanceof ConditionalCheckFailedException, String(error));
    return false;
  }
}
type Cases = readonly (readonly [condition: string, expected: boolean])[];

/** Checks which conditions an item with an attribute of each type fulfils. */
async function checkConditions(cases: Cases): Promise<void> {
  const item: Item = {
    ...newKey(),
    n: { N: '10' },
    text: { S: 'abc' },
    numbers: { NS: ['1', '2'] },
    things: { L: [{ S: 'x' }, { M: { deep: { N: '7' } } }] },
    yes: { BOOL: true },
    bytes: { B: Uint8Array.of(1, 2, 250) },
  };
  await put(item);
  const values: Item = {
    ':nine': { N: '9' },
    ':ten': { N: '1E1' },
    ':eleven': { N: '11' },
    ':two': { N: '2' },
    ':seven': { N: '7' },
    ':ab': { S: 'ab' },
    ':abc': { S: 'abc' },
    ':bytes': { B: Uint8Array.of(1, 2, 250) },
    ':true': { BOOL: true },
  };
  for (const [condition, expected] of cases) {
    const used = Object.entries(values).filter(([name]) => new RegExp(`${name}\\b`).test(condition));
    const names = { '#text': 'text', '#bytes': 'bytes' };
    const named = Object.entries(names).filter(([name]) => condition.includes(name));
    const held = await holds(
      item,
      condition,
      used.length > 0 ? Object.fromEntries(used) : undefined,
      named.length > 0 ? Object.fromEntries(named) : undefined,
    );
    assert.equal(held, expected, condition);
  }
}

test('conditions compare, look for attributes, elements and beginnings, and combine', () =>
  checkConditions([
    ['attribute_exists(pk) AND attribute_not_exists(gone)', true],
    ['attribute_not_exists(pk)', false],
    ['n > :nine', true],
    ['n < :nine', false],
    ['n = :ten', true],
    ['n <> :ten', false],
    ['n BETWEEN :nine AND :eleven', true],
    ['n BETWEEN :eleven AND :eleven', false],
    ['n IN (:nine, :ten)', true],
    ['n IN (:nine, :eleven)', false],
    ['#text > :ab', true],
    ['begins_with(#text, :ab)', true],
    ['begins_with(#text, :abc) AND NOT contains(#text, :abc)', false],
    ['contains(numbers, :two)', true],
    ['contains(numbers, :nine)', false],
    ['NOT contains(numbers, :nine)', true],
    ['NOT contains(gone, :nine)', true],
    ['things[1].deep = :seven', true],
    ['size(numbers) = :two', true],
    ['size(#text) < :two OR yes = :true', true],
    ['#bytes = :bytes', true],
  ]));

test(
  'values of different types are not equal and have no order, and a missing value differs from everything',
  services.where('values that cannot be compared fulfil no comparison'),
  () =>
    checkConditions([
      ['things[2].deep = :seven', false],
      ['n = :abc', false],
      ['n <> :abc', true],
      ['#text > :nine', false],
      ['gone <> :nine', true],
      ['gone = :nine OR gone < :nine', false],
    ]),
);

test(
  'a value is looked for among booleans',
  services.where('a boolean is found among booleans'),
  async () => {
    const item = { ...newKey(), b: { BOOL: true } };
    await put(item);
    assert.equal(await holds(item, 'b IN (:false)', { ':false': { BOOL: false } }), false);
  },
);

test(
  'a failed condition brings the item as it is, if that is asked for',
  services.where('the old item comes with a failed condition'),
  async () => {
    const item = { ...newKey(), n: { N: '1' } };
    await put(item);
    const more = { ConditionExpression: 'attribute_not_exists(pk)' };
    const old = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    const itemOf = (error: unknown) =>
      error instanceof ConditionalCheckFailedException ? error.Item : assert.fail(String(error));
    assert.equal(await put(item, more).catch(itemOf), undefined);
    assert.deepEqual(await put(item, { ...more, ...old }).catch(itemOf), item);
  },
);

test('updates set, add, remove and delete, and make the item where there is none', async () => {
  const Key = newKey();
  await update(Key, {
    UpdateExpression: 'SET a = :one, b = if_not_exists(b, :two) ADD n :two, elements :x REMOVE gone',
    ExpressionAttributeValues: { ':one': { N: '1' }, ':two': { N: '2' }, ':x': { SS: ['x'] } },
  });
  await update(Key, {
    UpdateExpression: 'SET a = a + :one, c = a, b = if_not_exists(b, :nine) ADD n :minus, elements :xy',
    ExpressionAttributeValues: {
      ':one': { N: '1' },
      ':nine': { N: '9' },
      ':minus': { N: '-5.5' },
      ':xy': { SS: ['x', 'y'] },
    },
  });
  const item = (await get(Key)) ?? {};
  assert.deepEqual(new Set(item['elements']?.SS), new Set(['x', 'y']));
  const { elements: _, ...numbers } = item;
  // Every operand is of the item as it was before the update.
  assert.deepEqual(numbers, { ...Key, a: { N: '2' }, b: { N: '2' }, c: { N: '1' }, n: { N: '-3.5' } });
  await update(Key, {
    UpdateExpression: 'DELETE elements :xy REMOVE c',
    ExpressionAttributeValues: { ':xy': { SS: ['y', 'x', 'z'] } },
  });
  assert.deepEqual(Object.keys((await get(Key)) ?? {}).sort(), ['a', 'b', 'n', 'pk', 'sk']);
});

test('sums keep every digit', async () => {
  const Key = newKey();
  const add = (n: string) =>
    update(Key, { UpdateExpression: 'ADD n :n', ExpressionAttributeValues: { ':n': { N: n } } });
  await add('9007199254740993');
  await add('999999999999999999999999999999999999');
  await add('-999999999999999999999999999999999998');
  assert.equal((await get(Key))?.['n']?.N, '9007199254740994');
});

test('a number has at most 38 digits', services.where('numbers have at most 38 digits'), async () => {
  await put({ ...newKey(), n: { N: '1'.repeat(38) } });
  await assert.rejects(put({ ...newKey(), n: { N: '1'.repeat(39) } }), refusal);
});

test('an update returns the requested values', async () => {
  const Key = newKey();
  const add = (ReturnValues: 'ALL_OLD' | 'ALL_NEW' | 'UPDATED_OLD' | 'UPDATED_NEW') =>
    update(Key, {
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
      ReturnValues,
    });
  assert.equal((await add('ALL_OLD')).Attributes, undefined);
  assert.deepEqual((await add('ALL_OLD')).Attributes, { ...Key, n: { N: '1' } });
  assert.deepEqual((await add('ALL_NEW')).Attributes, { ...Key, n: { N: '3' } });
  assert.deepEqual((await add('UPDATED_OLD')).Attributes, { n: { N: '3' } });
  assert.deepEqual((await add('UPDATED_NEW')).Attributes, { n: { N: '5' } });
});

test('a refused request writes nothing', services.where('wrong requests are refused'), async () => {
  const Key = newKey();
  const wrong: readonly Partial<UpdateItemCommandInput>[] = [
    { UpdateExpression: 'SET pk = :x', ExpressionAttributeValues: { ':x': { S: 'x' } } },
    { UpdateExpression: 'SET status = :x', ExpressionAttributeValues: { ':x': { S: 'x' } } },
    { UpdateExpression: 'SET a = :y', ExpressionAttributeValues: { ':x': { S: 'x' } } },
    { UpdateExpression: 'SET a = :x', ExpressionAttributeValues: { ':x': { S: 'x' }, ':y': { S: 'y' } } },
    { UpdateExpression: 'SET a = :x, a = :x', ExpressionAttributeValues: { ':x': { S: 'x' } } },
    { UpdateExpression: 'ADD a :x', ExpressionAttributeValues: { ':x': { S: 'x' } } },
    { UpdateExpression: 'SET a = missing' },
    { UpdateExpression: 'SET a' },
  ];
  for (const more of wrong) {
    await assert.rejects(update(Key, more), refusal, more.UpdateExpression);
  }
  await assert.rejects(put({ ...Key, a: { SS: ['x', 'x'] } }), refusal);
  await assert.rejects(put({ pk: { S: 'x' } }), refusal);
  await assert.rejects(put({ pk: { S: '' }, sk: { S: 'a' } }), refusal);
  assert.equal(await get(Key), undefined);
});

test('an item has at most 400 KB', services.where('items end at 400 KB'), async () => {
  const Key = newKey();
  const names = Buffer.byteLength(`pk${Key.pk.S}sk${Key.sk.S}text`);
  await put({ ...Key, text: { S: 'x'.repeat(409_600 - names) } });
  await assert.rejects(put({ ...Key, text: { S: 'x'.repeat(409_601 - names) } }), refusal);
});

test('an expression has at most 4 KB', services.where('expressions end at 4 KB'), async () => {
  const set = (bytes: number) =>
    update(newKey(), {
      UpdateExpression: `SET ${'a'.repeat(bytes - 'SET  = :x'.length)} = :x`,
      ExpressionAttributeValues: { ':x': { N: '1' } },
    });
  await assert.rejects(set(4_097), refusal);
});

test(
  'an expression has at most 300 operators',
  services.where('too many operators are refused'),
  async () => {
    const condition = (terms: number) =>
      Array.from({ length: terms }, (_, at) => `a${at % 50}=:x`).join(' OR ');
    const more = (terms: number) => ({
      ConditionExpression: condition(terms),
      ExpressionAttributeValues: { ':x': { N: '1' } },
    });
    await assert.rejects(put(newKey(), more(100)), ConditionalCheckFailedException);
    await assert.rejects(put(newKey(), more(200)), refusal);
  },
);
