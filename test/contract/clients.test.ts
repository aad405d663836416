// The SDK's clients as the functions use them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
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

test('a DynamoDB client is as patient as it is told, and five seconds otherwise', async () => {
  const TableName = await services.table();
  const get = new GetItemCommand({ TableName, Key: { pk: { S: 'nobody' }, sk: { S: 'nothing' } } });
  const requestTimeoutMsOf = async (client: DynamoDBClient) => {
    await client.send(get);
    client.destroy();
    return (client.config.requestHandler as NodeHttpHandler).httpHandlerConfigs().requestTimeout;
  };
  assert.equal(await requestTimeoutMsOf(dynamoDb()), 5_000);
  const hurried = dynamoDb({ requestTimeoutMs: 2_000, maxAttempts: 3 });
  assert.equal(await requestTimeoutMsOf(hurried), 2_000);
  assert.equal(await hurried.config.maxAttempts(), 3);
});
