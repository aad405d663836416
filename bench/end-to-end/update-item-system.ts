// The usual serverless counter: one UpdateItem with ADD for each event, on the emulator that the local stack has, in a thread of its own.
import {
  CreateTableCommand,
  GetItemCommand,
  ResourceInUseException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { startEmulator } from '../../local/emulators/emulators.ts';
import { type Counter, serveCounter } from './counting-server.ts';
import type { CountingSystem, SystemOptions } from './counting-system.ts';
import { itemCounts } from './stored-counts.ts';

const TableName = 'counters';
/** As many as Tally's functions have. */
const CONNECTIONS = 64;

/** Starts emulator and server. An item holds an hour: its total and its minutes. */
export async function startUpdateItem({ dataDir, port }: SystemOptions): Promise<CountingSystem> {
  const emulator = await startEmulator('dynamodb', dataDir, (error) => {
    throw error;
  });
  const client = dynamoDb({
    // A function's patience would end where requests queue: what is not answered is not known to be counted or not.
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: CONNECTIONS } }),
    endpoint: emulator.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const keyOf = (metric: string, entity: string, atMs: number) => {
    return { pk: { S: entity }, sk: { S: `${metric}#${new Date(atMs).toISOString().slice(0, 13)}` } };
  };
  const counter: Counter = {
    count: async (events, nowMs) => {
      const updates = events.map(({ metric, entity, at = nowMs, n = 1 }) =>
        client.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(metric, entity, at),
            UpdateExpression: 'ADD n :n, #minute :n',
            ExpressionAttributeNames: { '#minute': `m${new Date(at).getUTCMinutes()}` },
            ExpressionAttributeValues: { ':n': { N: String(n) } },
          }),
        ),
      );
      await Promise.all(updates);
    },
    minutes: async (metric, entity, hourMs) => {
      const get = new GetItemCommand({ TableName, Key: keyOf(metric, entity, hourMs), ConsistentRead: true });
      const { Item } = await client.send(get);
      const minutes = Object.entries(Item ?? {}).filter(([name]) => /^m\d+$/.test(name));
      return new Map(minutes.map(([name, value]) => [Number(name.slice(1)), Number(value.N)]));
    },
  };
  await createTable();
  const server = await serveCounter(counter, port);
  return {
    target: { url: server.url },
    counts: () => itemCounts(client, TableName),
    stop: async () => {
      await server.stop();
      client.destroy();
      await emulator.stop();
    },
  };

  async function createTable(): Promise<void> {
    const create = new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
    });
    try {
      await client.send(create);
    } catch (error) {
      // It is there since before the process was killed.
      if (!(error instanceof ResourceInUseException)) throw error;
    }
  }
}
