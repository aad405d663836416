// Creates the template's tables, streams, queues and buckets on the emulators; existing ones stay unchanged.
import { setTimeout as sleep } from 'node:timers/promises';
import { type AwsJsonClient, type JsonService, ServiceError } from './emulators/aws-json.ts';
import { LocalStackError } from './errors.ts';
import { asNumber, asObject, asText, type JsonObject } from './json.ts';
import type { Resource, Template } from './template/template.ts';

/** Shards of an on-demand stream: AWS starts with four. */
const onDemandShards = 4;

/**
 * Creates all resources; idempotent.
 * @throws LocalStackError if a table in the data folder has another key than the template's
 */
export async function provision(
  template: Template,
  clients: Readonly<Record<JsonService, AwsJsonClient>>,
  s3Endpoint: string,
): Promise<void> {
  await Promise.all([
    ...template.ofType('AWS::DynamoDB::Table').map((table) => provisionTable(table, clients.dynamodb)),
    ...template.ofType('AWS::Kinesis::Stream').map((stream) => provisionStream(stream, clients.kinesis)),
    ...template.ofType('AWS::S3::Bucket').map(({ name }) => provisionBucket(name, s3Endpoint)),
    ...template.ofType('AWS::SQS::Queue').map((queue) => provisionQueue(queue, template, clients.sqs)),
  ]);
}

async function provisionTable(table: Resource, dynamodb: AwsJsonClient): Promise<void> {
  const { name: TableName, properties } = table;
  const { KeySchema = null, AttributeDefinitions = null } = properties;
  const definition = { TableName, KeySchema, AttributeDefinitions, BillingMode: 'PAY_PER_REQUEST' };
  await unlessInUse(dynamodb.call('CreateTable', definition));
  const existing = await untilActive('TableStatus', async () =>
    asObject((await dynamodb.call('DescribeTable', { TableName }))['Table']),
  );
  if (JSON.stringify(existing['KeySchema']) !== JSON.stringify(KeySchema))
    throw new LocalStackError(
      `The table ${TableName} in the data folder has another key than the template: use a new --data folder.`,
    );
}

async function provisionStream(stream: Resource, kinesis: AwsJsonClient): Promise<void> {
  const { name: StreamName, properties } = stream;
  const ShardCount = asNumber(properties['ShardCount']) ?? onDemandShards;
  await unlessInUse(kinesis.call('CreateStream', { StreamName, ShardCount }));
  const existing = await untilActive('StreamStatus', async () =>
    asObject((await kinesis.call('DescribeStreamSummary', { StreamName }))['StreamDescriptionSummary']),
  );
  const RetentionPeriodHours = asNumber(properties['RetentionPeriodHours']) ?? 24;
  const change = RetentionPeriodHours - (asNumber(existing['RetentionPeriodHours']) ?? 24);
  if (change === 0) return;
  const action = change > 0 ? 'IncreaseStreamRetentionPeriod' : 'DecreaseStreamRetentionPeriod';
  await kinesis.call(action, { StreamName, RetentionPeriodHours });
}

/** The attributes of queues that are set. */
const attributes = ['MaximumMessageSize', 'MessageRetentionPeriod', 'RedrivePolicy', 'VisibilityTimeout'];

/** Creates a queue, and sets its attributes afterwards: an existing one may have others. */
async function provisionQueue(queue: Resource, template: Template, sqs: AwsJsonClient): Promise<void> {
  const { deadLetterTargetArn: target } = asObject(queue.properties['RedrivePolicy']);
  // fauxqs does not check whether it exists.
  if (target !== undefined && !template.ofType('AWS::SQS::Queue').some(({ arn }) => arn === target))
    throw new LocalStackError(
      `The redrive policy of ${queue.logicalId} names ${target}, which is not a queue of the template.`,
    );
  await sqs.call('CreateQueue', { QueueName: queue.name });
  const Attributes: JsonObject = {};
  for (const name of attributes) {
    const value = queue.properties[name];
    if (value !== undefined) Attributes[name] = asText(value) ?? JSON.stringify(value);
  }
  await sqs.call('SetQueueAttributes', { QueueUrl: queue.ref, Attributes });
}

/** Creates a bucket, unless it exists. */
export async function provisionBucket(name: string, endpoint: string): Promise<void> {
  const answer = await fetch(`${endpoint}/${name}`, { method: 'PUT' });
  const body = await answer.text();
  // 409: it exists already, and belongs to the stack.
  if (!answer.ok && answer.status !== 409)
    throw new Error(`Cannot create the bucket ${name}: ${answer.status} ${body}`);
}

/** Waits for a call that creates what an earlier run may have created. */
async function unlessInUse(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!(error instanceof ServiceError && error.code === 'ResourceInUseException')) throw error;
  });
}

/** Emulators activate a resource on about the next turn of their event loop. @returns its description */
async function untilActive(status: string, describe: () => Promise<JsonObject>): Promise<JsonObject> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const description = await describe();
    if (description[status] === 'ACTIVE') return description;
    await sleep(5);
  }
  throw new Error('An emulator did not activate a resource in time: start again.');
}
