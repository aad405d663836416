// DynamoDB by many items: queries, scans, batches, transactions and prices, on every target.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  QueryCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { dynamoDb, get, type Item, newKey, put, refusal, services, TableName } from './support/table.ts';

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
  await assert.rejects(batchGet([first, first]), refusal);
  await assert.rejects(batchGet(Array.from({ length: 101 }, () => newKey())), refusal);
  const puts = Array.from({ length: 26 }, () => ({ PutRequest: { Item: newKey() } }));
  await assert.rejects(write(puts), refusal);
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
