// What people would use instead: four ways to add an event to the same counter items, each as its documentation has it.
import { createHash } from 'node:crypto';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { counterKey, minuteAttribute } from '../../lambdas/counting/counter-item.ts';
import { bucketName, hourStartMs, minuteOfHour } from '../../lambdas/counting/time.ts';
import type { Configuration } from '../../lib/configuration.ts';
import { TABLES } from './meter.ts';
import { type StreamRecord, singleRecords, streamBatches } from './stream.ts';
import { eventsOf, type Load, type SentEvent } from './workloads.ts';
import type { World } from './worlds.ts';

/** Sums for one counter item: by minute of its hour. */
interface Sum {
  readonly metric: string;
  readonly entity: string;
  readonly hourMs: number;
  readonly minutes: Map<number, number>;
}

/** `ADD n, m07` and further minutes, to the item of an hour. */
function addition({ metric, entity, hourMs, minutes }: Sum) {
  const { pk, sk } = counterKey(metric, entity, bucketName(hourMs, 60));
  const values: Record<string, AttributeValue> = {};
  let total = 0;
  for (const [minute, n] of minutes) {
    values[`:${minuteAttribute(minute)}`] = { N: String(n) };
    total += n;
  }
  return {
    TableName: TABLES.counters,
    Key: { pk: { S: pk }, sk: { S: sk } },
    UpdateExpression: `ADD n :n, ${[...minutes.keys()].map((minute) => `${minuteAttribute(minute)} :${minuteAttribute(minute)}`).join(', ')}`,
    ExpressionAttributeValues: { ':n': { N: String(total) }, ...values },
  };
}

/** What one event adds. */
function one(event: SentEvent) {
  return addition(sumOf(event, new Map([[minuteOfHour(event.atMs), 1]])));
}

function sumOf({ metric, entity, atMs }: SentEvent, minutes: Map<number, number>): Sum {
  return { metric, entity, hourMs: hourStartMs(atMs), minutes };
}

function record(world: World, event: SentEvent): void {
  for (const _ of singleRecords([event], 1, world.meter));
}

/** An unconditional UpdateItem an event: what is sent twice is counted twice. */
export async function updateEach(world: World, load: Load): Promise<void> {
  for (const event of eventsOf(load)) {
    record(world, event);
    await world.dynamoDb.send(new UpdateItemCommand(one(event)));
  }
}

/** The same in Powertools' `makeIdempotent`: a record is put for each event, and updated once the work is done. */
export async function idempotentEach(world: World, load: Load): Promise<void> {
  process.env['AWS_LAMBDA_FUNCTION_NAME'] ??= 'counting';
  const config = new IdempotencyConfig({ eventKeyJmesPath: 'id' });
  config.registerLambdaContext({ getRemainingTimeInMillis: () => 30_000 } as Context);
  const count = makeIdempotent(
    async (event: SentEvent) => {
      await world.dynamoDb.send(new UpdateItemCommand(one(event)));
      return true;
    },
    {
      persistenceStore: new DynamoDBPersistenceLayer({
        tableName: TABLES.idempotency,
        awsSdkV3Client: world.dynamoDb,
      }),
      config,
    },
  );
  for (const event of eventsOf(load)) {
    record(world, event);
    await count(event);
  }
}

/** A marker, put if there is none, and the update in one transaction: two units for each. */
export async function transactionEach(world: World, load: Load): Promise<void> {
  for (const event of eventsOf(load)) {
    record(world, event);
    const marker = {
      TableName: TABLES.markers,
      Item: { pk: { S: event.id }, sk: { S: 'M' }, expiresAt: { N: '1800000000' } },
      ConditionExpression: 'attribute_not_exists(pk)',
    };
    await transact(world, [{ Put: marker }, { Update: one(event) }]);
  }
}

interface Action {
  readonly Put?: ConstructorParameters<typeof PutItemCommand>[0];
  readonly Update?: ReturnType<typeof addition>;
}

/** A transaction, unless its marker is there; where there are none, its writes one after the other, at twice their price. */
async function transact(world: World, actions: readonly Action[]): Promise<void> {
  try {
    if (world.transacts) {
      await world.dynamoDb.send(new TransactWriteItemsCommand({ TransactItems: [...actions] as never }));
      return;
    }
    for (const { Put, Update } of actions) {
      if (Put !== undefined) await world.dynamoDb.send(new PutItemCommand(Put));
      if (Update !== undefined) await world.dynamoDb.send(new UpdateItemCommand(Update));
    }
  } catch (error) {
    const isThere =
      error instanceof ConditionalCheckFailedException || error instanceof TransactionCanceledException;
    if (!isThere) throw error;
  }
}

/** Actions of one transaction at the most. */
const TRANSACTION_ACTIONS = 100;
/** Most bytes of sums in one item of the delta table. */
const DELTA_BYTES_MAX = 350_000;

/**
 * The pattern of AWS's "near-real-time, fault-tolerant data aggregation pipeline" (aws-samples/aws-serverless-realtime-aggregation):
 * a state item for each event, written on condition that it is new; batches of the state table's stream are summed up in memory and
 * put, under their hash, as one item of a delta table; batches of that table's stream are summed up again, and one transaction with a
 * token (which costs nothing, and is left out) adds the sums to the aggregates, an update a key. The sample has few keys; with more than a
 * transaction takes, there are several. Reading a table's stream costs nothing to Lambda.
 */
export async function markerEach(world: World, load: Load, c: Configuration): Promise<void> {
  const deltas: Sums[] = [];
  let reduceAtMs = Number.POSITIVE_INFINITY;
  for (const batch of streamBatches(singleRecords(eventsOf(load), c.streamShards, world.meter), c)) {
    if (batch.atMs >= reduceAtMs) {
      await reduce(world, deltas.splice(0));
      reduceAtMs = Number.POSITIVE_INFINITY;
    }
    const fresh: SentEvent[] = [];
    for (const { data } of batch.records) {
      const { id, metric, entity, at } = JSON.parse(Buffer.from(data, 'base64').toString('utf8'));
      const event: SentEvent = { id, metric, entity, atMs: at, arrivalMs: at };
      if (await isNew(world, event)) fresh.push(event);
    }
    const sums = summed(fresh);
    await putDeltas(world, sums, batchName(batch.records));
    deltas.push(sums);
    if (reduceAtMs === Number.POSITIVE_INFINITY) reduceAtMs = batch.atMs + c.writerWindowSeconds * 1000;
  }
  await reduce(world, deltas);
}

/** Sums by counter item. */
type Sums = Map<string, Sum>;

function summed(events: readonly SentEvent[]): Sums {
  const sums: Sums = new Map();
  for (const event of events) add(sums, sumOf(event, new Map([[minuteOfHour(event.atMs), 1]])));
  return sums;
}

function add(sums: Sums, more: Sum): void {
  const name = `${more.metric}#${more.entity}#${more.hourMs}`;
  const sum = sums.get(name);
  if (sum === undefined) sums.set(name, { ...more, minutes: new Map(more.minutes) });
  else for (const [minute, n] of more.minutes) sum.minutes.set(minute, (sum.minutes.get(minute) ?? 0) + n);
}

async function isNew(world: World, { id, metric, entity, atMs }: SentEvent): Promise<boolean> {
  const update = new UpdateItemCommand({
    TableName: TABLES.markers,
    Key: { pk: { S: id }, sk: { S: 'S' } },
    UpdateExpression: 'SET #value = :value, #version = :version, #hierarchy = :hierarchy, #time = :time',
    ConditionExpression: 'attribute_not_exists(pk) OR #version < :version',
    ExpressionAttributeNames: {
      '#value': 'Value',
      '#version': 'Version',
      '#hierarchy': 'Hierarchy',
      '#time': 'Timestamp',
    },
    ExpressionAttributeValues: {
      ':value': { N: '1' },
      ':version': { N: '0' },
      ':hierarchy': { S: JSON.stringify({ metric, entity }) },
      ':time': { N: String(atMs) },
    },
  });
  try {
    await world.dynamoDb.send(update);
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** The hash of a batch's records. */
function batchName(records: readonly StreamRecord[]): string {
  const hash = createHash('sha256');
  for (const { sequenceNumber, data } of records) hash.update(sequenceNumber).update(data);
  return hash.digest('hex');
}

/** Puts a batch's sums, in as many items as they need. */
async function putDeltas(world: World, sums: Sums, batch: string): Promise<void> {
  let items = 0;
  let [texts, bytes] = [[] as string[], 0];
  const put = async () => {
    if (texts.length === 0) return;
    const message = `{${texts.join(',')}}`;
    const sk = { S: String(items) };
    items += 1;
    const Item: Record<string, AttributeValue> = { pk: { S: batch }, sk, Message: { S: message } };
    const ConditionExpression = 'attribute_not_exists(pk)';
    await world.dynamoDb.send(new PutItemCommand({ TableName: TABLES.deltas, Item, ConditionExpression }));
    [texts, bytes] = [[], 0];
  };
  for (const [name, { minutes }] of sums) {
    const text = `${JSON.stringify(name)}:${JSON.stringify(Object.fromEntries(minutes))}`;
    if (bytes + text.length > DELTA_BYTES_MAX) await put();
    texts.push(text);
    bytes += text.length + 1;
  }
  await put();
}

/** Adds the sums of several deltas to the counters. */
async function reduce(world: World, deltas: readonly Sums[]): Promise<void> {
  const totals: Sums = new Map();
  for (const sums of deltas) for (const sum of sums.values()) add(totals, sum);
  const updates = [...totals.values()].map((sum) => ({ Update: addition(sum) }));
  for (let at = 0; at < updates.length; at += TRANSACTION_ACTIONS) {
    await transact(world, updates.slice(at, at + TRANSACTION_ACTIONS));
  }
}
