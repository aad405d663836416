// The index of open hours as the template makes it: items get into it, move in it and leave it with the writer's updates.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { CounterTable } from '../../lambdas/aws/counter-table.ts';
import { OpenHourIndex } from '../../lambdas/aws/open-hour-index.ts';
import { counterKey, counterUpdate } from '../../lambdas/counting/counter-item.ts';
import { parseShardKey, segmentId } from '../../lambdas/counting/identifiers.ts';
import { openHourMark } from '../../lambdas/counting/open-hour.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { startServices } from '../support/services.ts';
import { resourcesOf, templateJson } from '../support/stack-template.ts';

const [, counters] =
  resourcesOf(templateJson('prod', { topOpenHourIndex: true }), 'AWS::DynamoDB::Table').find(([id]) =>
    id.includes('Counters'),
  ) ?? [];
assert.ok(counters);
const { AttributeDefinitions, GlobalSecondaryIndexes } = counters.Properties;
const services = await startServices();
const table = await services.table({ AttributeDefinitions, GlobalSecondaryIndexes });
const index = new OpenHourIndex(services.dynamoDb, table, 'open-hour');
const FIVE_MS = Date.UTC(2026, 10, 22, 5);
let nowMs = FIVE_MS;
const marked = new CounterTable(services.dynamoDb, table, (key) => openHourMark(key, nowMs));
const unmarked = new CounterTable(services.dynamoDb, table);

let segments = 0;
async function add(entity: string, n: number, { store = marked, metric = 'view' } = {}): Promise<void> {
  segments += 1;
  const segment = segmentId(parseShardKey('1.0'), segments);
  const row = { events: 1, minutes: { 7: n } };
  const update = counterUpdate(counterKey(metric, entity, '2026-11-22T05'), [{ segment, row }], undefined);
  assert.equal(await store.apply(update), 'applied');
}
const leaders = (max: number, metric = 'view', hourMs = FIVE_MS) => index.leaders(metric, hourMs, max);

test('the first entities of an hour and metric, as their counts rise and fall; ties by entity', async () => {
  for (let number = 0; number < 40; number += 1) await add(`/${String(number).padStart(2, '0')}`, number);
  assert.deepEqual(await leaders(3), ['/39', '/38', '/37']);
  await add('/05', 100);
  await add('/39', -10);
  await add('/36', 1);
  assert.deepEqual(await leaders(4), ['/05', '/38', '/36', '/37']);
  assert.equal((await leaders(100)).length, 40);
  await add('/other', 1_000, { metric: 'like' });
  assert.deepEqual(await leaders(1), ['/05']);
  assert.deepEqual(await leaders(1, 'like'), ['/other']);
  assert.deepEqual(await leaders(1, 'view', FIVE_MS + HOUR_MS), []);
});

test('an update after the hour takes its item out; without the setting no item gets in', async () => {
  nowMs = FIVE_MS + 3 * HOUR_MS;
  await add('/05', 1);
  assert.deepEqual(await leaders(1), ['/38']);
  nowMs = FIVE_MS;
  await add('/unmarked', 5_000, { store: unmarked });
  assert.deepEqual(await leaders(1), ['/38']);
  const Key = { pk: { S: '/unmarked' }, sk: { S: 'view#H#2026-11-22T05' } };
  const { Item } = await services.dynamoDb.send(new GetItemCommand({ TableName: table, Key }));
  assert.deepEqual(Object.keys(Item ?? {}).sort(), ['applied', 'e', 'm07', 'n', 'pk', 'sk']);
});
