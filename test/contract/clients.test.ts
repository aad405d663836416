// The SDK's clients as the functions use them.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { mock, test } from 'node:test';
import {
  DynamoDBClient,
  GetItemCommand,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import type { BuildMiddleware, HttpRequest } from '@smithy/types';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { Sha256 } from '../../lambdas/aws/sha256.ts';
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

test('a DynamoDB client has the given time-out, and five seconds by default', async () => {
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

test("our signature equals that of the SDK's own signer", async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 22, 5, 7, 30) });
  const credentials = { accessKeyId: 'an-id', secretAccessKey: 'a-secret', sessionToken: 'a-token' };
  const config = { region: 'eu-central-1', credentials, endpoint: 'https://dynamodb.example' };
  const seen: string[] = [];
  for (const client of [dynamoDb(config), new DynamoDBClient(config)]) {
    const fixed: BuildMiddleware<ServiceInputTypes, ServiceOutputTypes> = (next) => (args) => {
      // It differs with each request, and is signed.
      (args.request as HttpRequest).headers['amz-sdk-invocation-id'] = 'an-invocation';
      return next(args);
    };
    client.middlewareStack.addRelativeTo(fixed as never, {
      name: 'fixed',
      relation: 'before',
      toMiddleware: 'httpSigningMiddleware',
    });
    client.config.requestHandler.handle = async (request) => {
      seen.push((request as { headers: Record<string, string> }).headers['authorization'] ?? '');
      throw new Error('seen');
    };
    const get = new GetItemCommand({ TableName: 'a-table', Key: { pk: { S: 'x' }, sk: { S: 'y' } } });
    await assert.rejects(client.send(get), /seen/);
    client.destroy();
  }
  const [ours = '', theirs] = seen;
  assert.match(ours, /^AWS4-HMAC-SHA256 Credential=an-id\/20261122\/eu-central-1\/dynamodb\/aws4_request, /);
  assert.equal(ours, theirs);
});

test('a signature is the same for any form of its secret and any number of pieces of the text', async () => {
  const secret = Buffer.from('a secret');
  const pieces = ['a', '', 'text'].map((piece) => Buffer.from(piece));
  const digestOf = async (hash: Sha256, data: readonly Uint8Array[]) => {
    for (const piece of data) hash.update(piece);
    return Buffer.from(await hash.digest()).toString('hex');
  };
  const hmac = createHmac('sha256', secret).update('atext').digest('hex');
  const exact = secret.buffer.slice(secret.byteOffset, secret.byteOffset + secret.byteLength);
  for (const key of [secret, secret, exact, 'a secret'] as const)
    assert.equal(await digestOf(new Sha256(key), pieces), hmac);
  const hash = createHash('sha256').update('atext').digest('hex');
  assert.equal(await digestOf(new Sha256(), pieces), hash);
  assert.equal(await digestOf(new Sha256(), [Buffer.from('atext')]), hash);
  const nothing = new Sha256();
  assert.equal(await digestOf(nothing, []), createHash('sha256').digest('hex'));
  nothing.update(Buffer.from('something'));
  nothing.reset();
  assert.equal(await digestOf(nothing, []), createHash('sha256').digest('hex'));
});
