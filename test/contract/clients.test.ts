// The SDK's clients as the functions use them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { dynamoDb } from '../../lambdas/aws/clients.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();

test('the DynamoDB client makes no copies of requests and answers for a log', async () => {
  const TableName = await services.table();
  const told: unknown[] = [];
  const ignore = () => undefined;
  const info = (...content: unknown[]) => void told.push(...content);
  const client = dynamoDb({ logger: { debug: ignore, info, warn: ignore, error: ignore } });
  const get = new GetItemCommand({ TableName, Key: { pk: { S: 'nobody' }, sk: { S: 'nothing' } } });
  assert.equal((await client.send(get)).Item, undefined);
  client.destroy();
  assert.deepEqual(told, []);
});
