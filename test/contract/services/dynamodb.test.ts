// DynamoDB as Tally relies on it: conditions, updates, pages, prices and limits, on every target.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  QueryCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { startServices } from '../../support/services.ts';

type Item = Record<string, AttributeValue>;

const services = await startServices();
const { dynamoDb } = services;
const TableName = await services.table();

let keys = 0;
const newKey = (pk = `key-${(keys++).toString()}`, sk = 'a') => ({ pk: { S: pk }, sk: { S: sk } });
const get = async (Key: Item) =>
  (await dynamoDb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
const put = (Item: Item, more: object = {}) =>
  dynamoDb.send(new PutItemCommand({ TableName, Item, ...more }));
const update = (Key: Item, more: Partial<UpdateItemCommandInput>) =>
  dynamoDb.send(new UpdateItemCommand({ TableName, Key, ...more }));

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
const refusesAs = (name: string) => (error: unknown) => error instanceof Error && error.name === name;

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
  await assert.rejects(put({ ...newKey(), n: { N: '1'.repeat(39) } }), refusesAs('ValidationException'));
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
    await assert.rejects(update(Key, more), refusesAs('ValidationException'), more.UpdateExpression);
  }
  await assert.rejects(put({ ...Key, a: { SS: ['x', 'x'] } }), refusesAs('ValidationException'));
  await assert.rejects(put({ pk: { S: 'x' } }), refusesAs('ValidationException'));
  await assert.rejects(put({ pk: { S: '' }, sk: { S: 'a' } }), refusesAs('ValidationException'));
  assert.equal(await get(Key), undefined);
});

test('an item has at most 400 KB', services.where('items end at 400 KB'), async () => {
  const Key = newKey();
  const names = Buffer.byteLength(`pk${Key.pk.S}sk${Key.sk.S}text`);
  await put({ ...Key, text: { S: 'x'.repeat(409_600 - names) } });
  await assert.rejects(
    put({ ...Key, text: { S: 'x'.repeat(409_601 - names) } }),
    refusesAs('ValidationException'),
  );
});

test('an expression has at most 4 KB', services.where('expressions end at 4 KB'), async () => {
  const set = (bytes: number) =>
    update(newKey(), {
      UpdateExpression: `SET ${'a'.repeat(bytes - 'SET  = :x'.length)} = :x`,
      ExpressionAttributeValues: { ':x': { N: '1' } },
    });
  await assert.rejects(set(4_097), refusesAs('ValidationException'));
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
    await assert.rejects(put(newKey(), more(200)), refusesAs('ValidationException'));
  },
);

test('a query finds a range in order, both ways, page by page, and knows prefixes', async () => {
  const pk = `range-${Date.now()}`;
  const names = ['a', 'b', 'b1', 'b2', 'c', 'é', '\uffee', '😀'];
  for (const name of [...names].reverse()) await put({ ...newKey(pk, name), n: { N: '1' } });
  const query = async (condition: string, values: Item, more: object = {}) => {
    const found: string[] = [];
    const pages = paginateQuery(
      { client: dynamoDb, pageSize: 2 },
      {
        TableName,
        KeyConditionExpression: condition,
        ExpressionAttributeValues: { ':pk': { S: pk }, ...values },
        ConsistentRead: true,
        ...more,
      },
    );
    for await (const { Items = [] } of pages) found.push(...Items.map(({ sk }) => sk?.S ?? ''));
    return found;
  };
  assert.deepEqual(await query('pk = :pk', {}), names, 'in the order of their UTF-8');
  assert.deepEqual(await query('pk = :pk', {}, { ScanIndexForward: false }), [...names].reverse());
  const between = { ':from': { S: 'b' }, ':to': { S: 'c' } };
  assert.deepEqual(await query('pk = :pk AND sk BETWEEN :from AND :to', between), ['b', 'b1', 'b2', 'c']);
  const descending = await query('pk = :pk AND sk BETWEEN :from AND :to', between, {
    ScanIndexForward: false,
  });
  assert.deepEqual(descending, ['c', 'b2', 'b1', 'b']);
  assert.deepEqual(await query('pk = :pk AND begins_with(sk, :b)', { ':b': { S: 'b' } }), ['b', 'b1', 'b2']);
  assert.deepEqual(await query('sk >= :c AND pk = :pk', { ':c': { S: 'é' } }), ['é', '\uffee', '😀']);
  assert.deepEqual(await query('pk = :pk AND sk < :b', { ':b': { S: 'b' } }), ['a']);
  assert.deepEqual(await query('pk = :pk AND sk > :b', { ':b': { S: '\uffee' } }), ['😀']);
});

test('a page counts what it read, and answers what the filter and the projection leave', async () => {
  const pk = `filter-${Date.now()}`;
  for (const n of [1, 2, 3, 4])
    await put({ ...newKey(pk, `${n}`), n: { N: `${n}` }, m: { M: { x: { N: '1' } } } });
  const answer = await dynamoDb.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'pk = :pk',
      FilterExpression: 'n > :two',
      ProjectionExpression: 'n, m.x, nothing',
      ExpressionAttributeValues: { ':pk': { S: pk }, ':two': { N: '2' } },
      Limit: 3,
      ConsistentRead: true,
    }),
  );
  assert.deepEqual(answer.Items, [{ n: { N: '3' }, m: { M: { x: { N: '1' } } } }]);
  assert.deepEqual([answer.Count, answer.ScannedCount], [1, 3]);
  assert.deepEqual(answer.LastEvaluatedKey, newKey(pk, '3'));
});

test('a page ends at 1 MB', services.where('a page of a query ends at 1 MB'), async () => {
  const pk = `pages-${Date.now()}`;
  for (const sk of ['1', '2', '3', '4']) await put({ ...newKey(pk, sk), text: { S: 'x'.repeat(390_000) } });
  const pages: number[] = [];
  const input = {
    TableName,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: pk } },
    ConsistentRead: true,
  };
  for await (const { Items = [] } of paginateQuery({ client: dynamoDb }, input)) pages.push(Items.length);
  assert.ok(pages.length > 1, `${pages}`);
  assert.equal(
    pages.reduce((sum, items) => sum + items, 0),
    4,
  );
});

test('a scan visits every item once, also in segments', async () => {
  const table = await services.table();
  const named = Array.from({ length: 30 }, (_, at) => ({ pk: { S: `p${at % 10}` }, sk: { S: `${at}` } }));
  for (const Item of named) await dynamoDb.send(new PutItemCommand({ TableName: table, Item }));
  const found: string[] = [];
  for (const Segment of [0, 1, 2]) {
    let ExclusiveStartKey: Item | undefined;
    do {
      const page = await dynamoDb.send(
        new ScanCommand({ TableName: table, Segment, TotalSegments: 3, Limit: 4, ExclusiveStartKey }),
      );
      for (const { pk, sk } of page.Items ?? []) found.push(`${pk?.S}/${sk?.S}`);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  }
  assert.deepEqual(found.sort(), named.map(({ pk, sk }) => `${pk.S}/${sk.S}`).sort());
});

test('batches get, put and delete, each key once', services.where('batches have limits'), async () => {
  const Keys = Array.from({ length: 25 }, () => newKey());
  const write = (requests: object[]) =>
    dynamoDb.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests as never } }));
  await write(Keys.map((Key, n) => ({ PutRequest: { Item: { ...Key, n: { N: `${n}` } } } })));
  await write(Keys.slice(0, 5).map((Key) => ({ DeleteRequest: { Key } })));
  const batchGet = (keys: Item[]) =>
    dynamoDb.send(
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: keys, ConsistentRead: true } } }),
    );
  const { Responses, UnprocessedKeys } = await batchGet(Keys);
  const found = (Responses?.[TableName] ?? []).map(({ n }) => Number(n?.N)).sort((a, b) => a - b);
  assert.deepEqual(
    found,
    Array.from({ length: 20 }, (_, at) => at + 5),
  );
  assert.deepEqual(UnprocessedKeys ?? {}, {});
  const [first = newKey()] = Keys;
  await assert.rejects(batchGet([first, first]), refusesAs('ValidationException'));
  await assert.rejects(
    batchGet(Array.from({ length: 101 }, () => newKey())),
    refusesAs('ValidationException'),
  );
  const puts = Array.from({ length: 26 }, () => ({ PutRequest: { Item: newKey() } }));
  await assert.rejects(write(puts), refusesAs('ValidationException'));
});

test('a transaction writes all or nothing', services.where('transactions are all or nothing'), async () => {
  const [one, other] = [newKey(), newKey()];
  const write = () =>
    dynamoDb.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          { Put: { TableName, Item: one, ConditionExpression: 'attribute_not_exists(pk)' } },
          {
            Update: {
              TableName,
              Key: other,
              UpdateExpression: 'ADD n :one',
              ExpressionAttributeValues: { ':one': { N: '1' } },
            },
          },
        ],
      }),
    );
  await write();
  await assert.rejects(write(), TransactionCanceledException);
  assert.equal((await get(other))?.['n']?.N, '1');
});

test(
  'writes cost the larger of the item before and after by the KB, reads by 4 KB',
  services.where('capacity is charged'),
  async () => {
    const Key = newKey();
    const unitsOf = ({
      ConsumedCapacity,
    }: {
      ConsumedCapacity?: { CapacityUnits?: number | undefined } | undefined;
    }) => ConsumedCapacity?.CapacityUnits;
    const asked = { ReturnConsumedCapacity: 'TOTAL' } as const;
    const names = Buffer.byteLength(`pk${Key.pk.S}sk${Key.sk.S}text`);
    const sized = (bytes: number): Item => ({ ...Key, text: { S: 'x'.repeat(bytes - names) } });
    assert.equal(unitsOf(await put(sized(1_024), asked)), 1);
    assert.equal(unitsOf(await put(sized(1_025), asked)), 2);
    assert.equal(unitsOf(await put(sized(100), asked)), 2);
    await put(sized(4_097));
    const read = (ConsistentRead: boolean) =>
      dynamoDb.send(new GetItemCommand({ TableName, Key, ConsistentRead, ...asked }));
    assert.deepEqual([unitsOf(await read(true)), unitsOf(await read(false))], [2, 1]);
    const removal = new DeleteItemCommand({ TableName, Key, ...asked });
    assert.equal(unitsOf(await dynamoDb.send(removal)), 5);
    assert.equal(unitsOf(await read(true)), 1, 'nothing there');
    const pk = `capacity-${Date.now()}`;
    for (const sk of ['1', '2', '3']) await put({ ...newKey(pk, sk), text: { S: 'x'.repeat(1_900) } });
    const query = new QueryCommand({
      TableName,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: pk } },
      ConsistentRead: true,
      ...asked,
    });
    assert.equal(unitsOf(await dynamoDb.send(query)), 2, 'a query rounds the sum up');
  },
);
