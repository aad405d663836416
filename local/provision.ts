// Creates the template's tables, streams, queues and buckets on the emulators; existing ones stay unchanged.
import { type AwsJsonClient, ServiceError } from './emulators/aws-json.ts';
import { LocalStackError } from './errors.ts';
import { asNumber, asObject, asText, type JsonObject } from './json.ts';
import { arnOf, nameOf } from './template/names.ts';
import type { Resource, Template } from './template/template.ts';

interface ProvisioningClients extends Record<'dynamodb' | 'kinesis' | 'sqs', AwsJsonClient> {
  readonly s3Endpoint: string;
}

/** Shards of an on-demand stream: AWS starts with four. */
const onDemandShards = 4;

/**
 * Creates all resources; idempotent.
 * @throws LocalStackError if a table in the data folder has another key than the template's
 */
export async function provision(template: Template, clients: ProvisioningClients): Promise<void> {
  await Promise.all([
    ...template.ofType('AWS::DynamoDB::Table').map((table) => provisionTable(table, clients.dynamodb)),
    ...template.ofType('AWS::Kinesis::Stream').map((stream) => provisionStream(stream, clients.kinesis)),
    ...template
      .ofType('AWS::S3::Bucket')
      .map((bucket) => provisionBucket(nameOf(bucket), clients.s3Endpoint)),
    provisionQueues(template, clients.sqs),
  ]);
}

async function provisionTable(table: Resource, dynamodb: AwsJsonClient): Promise<void> {
  const TableName = nameOf(table);
  const { KeySchema = null, AttributeDefinitions = null } = table.properties;
  const existing = await unlessAbsent(dynamodb.call('DescribeTable', { TableName }));
  if (existing !== undefined) {
    const keys = asObject(existing['Table'])['KeySchema'];
    if (JSON.stringify(keys) !== JSON.stringify(KeySchema)) {
      throw new LocalStackError(
        `The table ${TableName} in the data folder has another key than the template: use a new --data folder.`,
      );
    }
    return;
  }
  await dynamodb.call('CreateTable', {
    TableName,
    KeySchema,
    AttributeDefinitions,
    BillingMode: 'PAY_PER_REQUEST',
  });
  await until(async () => {
    const description = await dynamodb.call('DescribeTable', { TableName });
    return asObject(description['Table'])['TableStatus'] === 'ACTIVE';
  });
}

async function provisionStream(stream: Resource, kinesis: AwsJsonClient): Promise<void> {
  const StreamName = nameOf(stream);
  const summary = async () =>
    asObject((await kinesis.call('DescribeStreamSummary', { StreamName }))['StreamDescriptionSummary']);
  if ((await unlessAbsent(summary())) === undefined) {
    const ShardCount = asNumber(stream.properties['ShardCount']) ?? onDemandShards;
    await kinesis.call('CreateStream', { StreamName, ShardCount });
    await until(async () => (await summary())['StreamStatus'] === 'ACTIVE');
  }
  const hours = asNumber(stream.properties['RetentionPeriodHours']) ?? 24;
  const currentHours = asNumber((await summary())['RetentionPeriodHours']) ?? 24;
  if (hours === currentHours) return;
  const action = hours > currentHours ? 'IncreaseStreamRetentionPeriod' : 'DecreaseStreamRetentionPeriod';
  await kinesis.call(action, { StreamName, RetentionPeriodHours: hours });
}

/** The attributes of queues that are set. */
const attributes = ['MaximumMessageSize', 'MessageRetentionPeriod', 'RedrivePolicy', 'VisibilityTimeout'];

/** Creates all queues first, then sets attributes: a redrive policy refers to another queue, which fauxqs does not check. */
async function provisionQueues(template: Template, sqs: AwsJsonClient): Promise<void> {
  const queues = template.ofType('AWS::SQS::Queue');
  const arns = queues.map(arnOf);
  const urls = new Map<Resource, string>();
  for (const queue of queues) {
    const created = await sqs.call('CreateQueue', { QueueName: nameOf(queue) });
    urls.set(queue, asText(created['QueueUrl']) ?? '');
  }
  for (const queue of queues) {
    const { deadLetterTargetArn: target } = asObject(queue.properties['RedrivePolicy']);
    if (target !== undefined && !arns.includes(String(target)))
      throw new LocalStackError(
        `The redrive policy of ${queue.logicalId} names ${target}, which is not a queue of the template.`,
      );
    const Attributes: JsonObject = {};
    for (const name of attributes) {
      const value = queue.properties[name];
      if (value !== undefined) Attributes[name] = asText(value) ?? JSON.stringify(value);
    }
    if (Object.keys(Attributes).length > 0) {
      await sqs.call('SetQueueAttributes', { QueueUrl: urls.get(queue) ?? '', Attributes });
    }
  }
}

/** Creates a bucket, unless it exists. */
export async function provisionBucket(name: string, endpoint: string): Promise<void> {
  const answer = await fetch(`${endpoint}/${name}`, { method: 'PUT' });
  const body = await answer.text();
  // 409: it exists already, and belongs to the stack.
  if (!answer.ok && answer.status !== 409)
    throw new Error(`Cannot create the bucket ${name}: ${answer.status} ${body}`);
}

async function unlessAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

/** Emulators become active on about the next turn of their event loop. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('An emulator did not activate a resource in time: start again.');
}
