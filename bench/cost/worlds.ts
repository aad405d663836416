// Where everything that is compared runs: on tables and a queue in memory that charge by the formula, or on the emulators.
import {
  CreateTableCommand,
  DeleteTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchCommandInput,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { Item } from '../../fake-aws/dynamodb/values.ts';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { sqs } from '../../lambdas/aws/clients/sqs.ts';
import { startEmulators } from '../../local/emulators/emulators.ts';
import { createTable } from '../synthetic-counts.ts';
import { lineName, Meter, TABLES } from './meter.ts';
import { meteredDynamoDb } from './metered-dynamodb.ts';

/** One system's tables and queue, empty at first, and what they were used for. */
export interface World {
  readonly meter: Meter;
  readonly dynamoDb: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  /** Whether the tables know transactions. */
  readonly transacts: boolean;
  /** Takes all that was sent since the last time from the queue, a list for each SendMessageBatch. */
  received(): Promise<readonly (readonly string[])[]>;
  items(table: string): Promise<readonly Item[]>;
  stop(): Promise<void>;
}

/** A world in memory. */
export function meteredWorld(): World {
  const meter = new Meter();
  const tables = meteredDynamoDb(meter);
  const queue = new SQSClient({ region: 'us-east-1' });
  let sent: string[][] = [];
  queue.send = (async ({ input }: SendMessageBatchCommand) => {
    sent.push(bodiesOf(input, meter));
    return { Successful: (input.Entries ?? []).map(({ Id }) => ({ Id })) };
  }) as unknown as SQSClient['send'];
  return {
    meter,
    dynamoDb: tables.client,
    sqs: queue,
    queueUrl: 'https://sqs.us-east-1.amazonaws.com/000000000000/rollups',
    transacts: true,
    received: async () => {
      const all = sent;
      sent = [];
      return all;
    },
    items: async (table) => [...tables.items(table)],
    stop: async () => {},
  };
}

function bodiesOf({ Entries = [] }: SendMessageBatchCommandInput, meter: Meter): string[] {
  const bodies = Entries.map(({ MessageBody = '' }) => MessageBody);
  meter.noteSqs(
    bodies.reduce((sum, body) => sum + body.length, 0),
    'sent',
  );
  return bodies;
}

const READS: ReadonlySet<string> = new Set([GetItemCommand.name, QueryCommand.name]);
const WRITES: ReadonlySet<string> = new Set([PutItemCommand.name, UpdateItemCommand.name]);

/** The embedded emulators, which say themselves what a call took; every world on them begins with empty tables and a queue. */
export async function startEmulatedWorlds(): Promise<{ fresh(): Promise<World>; stop(): Promise<void> }> {
  const emulators = await startEmulators(undefined, (error) => {
    throw error;
  });
  let worlds = 0;
  return {
    fresh: () => {
      worlds += 1;
      return emulatedWorld(emulators.dynamodb.endpoint, emulators.sqsAndS3.endpoint, worlds);
    },
    stop: () => emulators.stop(),
  };
}

/** @param number from 1; tables of the world before are deleted */
async function emulatedWorld(tables: string, queues: string, number: number): Promise<World> {
  const isFirst = number === 1;
  const meter = new Meter();
  const config = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const client = dynamoDb({ ...config, endpoint: tables });
  const queue = sqs({ ...config, endpoint: queues });
  for (const TableName of Object.values(TABLES)) {
    if (!isFirst) {
      await client.send(new DeleteTableCommand({ TableName }));
      await waitUntilTableNotExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
    }
    if (TableName !== TABLES.idempotency) await createTable(client, TableName);
  }
  await client.send(
    new CreateTableCommand({
      TableName: TABLES.idempotency,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  const { QueueUrl = '' } = await queue.send(new CreateQueueCommand({ QueueName: `rollups-${number}` }));
  noteUnits(client, meter);
  const batches: string[][] = [];
  queue.middlewareStack.add(
    (next, { commandName }) =>
      async (request) => {
        if (commandName === SendMessageBatchCommand.name) {
          batches.push(bodiesOf(request.input as SendMessageBatchCommandInput, meter));
        }
        return next(request);
      },
    { step: 'initialize', name: 'sent' },
  );
  return {
    meter,
    dynamoDb: client,
    sqs: queue,
    queueUrl: QueueUrl,
    transacts: false,
    received: async () => {
      const arrived = new Set<string>();
      const expected = batches.flat().length;
      while (arrived.size < expected) {
        const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 });
        const { Messages = [] } = await queue.send(receive);
        for (const { Body = '' } of Messages) arrived.add(Body);
        const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
        if (Entries.length > 0) await queue.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      }
      const all = batches.splice(0);
      if (!all.flat().every((body) => arrived.has(body))) throw new Error('the queue gave other messages');
      return all;
    },
    items: async (table) => {
      const items: Item[] = [];
      let ExclusiveStartKey: Item | undefined;
      do {
        const page = await client.send(new ScanCommand({ TableName: table, ExclusiveStartKey }));
        items.push(...(page.Items ?? []));
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined);
      return items;
    },
    stop: async () => {
      client.destroy();
      queue.destroy();
    },
  };
}

/** Asks every call for what it takes. Of a failed condition the emulator does not say it. */
function noteUnits(client: DynamoDBClient, meter: Meter): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (request) => {
        if (commandName === TransactWriteItemsCommand.name)
          throw new Error('the emulator has no transactions');
        if (!READS.has(commandName) && !WRITES.has(commandName)) return next(request);
        const input = request.input as { TableName?: string; Key?: Item; Item?: Item };
        const sortKey = (input.Key ?? input.Item)?.['sk']?.S;
        const name = lineName(input.TableName ?? '', sortKey, commandName === UpdateItemCommand.name);
        try {
          const asked = { ...request, input: { ...request.input, ReturnConsumedCapacity: 'TOTAL' } };
          const result = await next(asked as typeof request);
          const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } };
          const units = ConsumedCapacity?.CapacityUnits ?? 0;
          meter.note(name, { calls: 1, [READS.has(commandName) ? 'readUnits' : 'writeUnits']: units });
          return result;
        } catch (error) {
          meter.note(name, { calls: 1, failed: 1 });
          throw error;
        }
      },
    { step: 'initialize', name: 'units' },
  );
}
