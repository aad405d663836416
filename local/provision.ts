// Creates the template's tables, streams, queues and buckets on the emulators; existing ones stay unchanged.
import { type AwsJsonClient, ServiceError } from './emulators/aws-json.ts';
import { LocalStackError } from './errors.ts';
import { asNumber, asObject, asText, type JsonObject } from './json.ts';
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
    ...template.ofType('AWS::S3::Bucket').map(({ name }) => provisionBucket(name, clients.s3Endpoint)),
    ...template.ofType('AWS::SQS::Queue').map((queue) => provisionQueue(queue, template, clients.sqs)),
  ]);
}

async function provisionTable(table: Resource, dynamodb: AwsJsonClient): Promise<void> {
  const TableName = table.name;
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
  const StreamName = stream.name;
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
