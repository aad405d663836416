// The collector: turns access logs in a bucket into batches of the stream.
import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge, resourceIn } from './acknowledge.ts';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';

const TIMEOUT_SECONDS = 300;
/** Less than the dedup window: batches that a crashed run had put are recognised when the next run puts them again. */
const VISIBILITY_SECONDS = 330;
const RECEIVES_MAX = 5;
/** SQS deletes what is older, and moves it nowhere. */
export const OBJECTS_RETENTION_DAYS = 7;

/**
 * Bucket → EventBridge → queue → function → stream. Only if the setting `accessLogs` names a bucket.
 * @returns the queue of announced objects, for the backfill command
 */
export function collector(platform: Platform): Queue | undefined {
  const { configuration: c } = platform;
  if (c.accessLogs.length === 0) return undefined;
  const here = new Construct(platform.stack, 'Collector');
  const queue = new Queue(here, 'Objects', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    retentionPeriod: Duration.days(OBJECTS_RETENTION_DAYS),
    visibilityTimeout: Duration.seconds(VISIBILITY_SECONDS),
    // The redriver parks them in the archive, and an alarm reports them.
    deadLetterQueue: { queue: platform.deadLetters, maxReceiveCount: RECEIVES_MAX },
  });
  const handler = collectorFunction(here, platform, queue);
  handler.readFrom(here, 'Messages', {
    eventSourceArn: queue.queueArn,
    batchSize: 1,
    // Two objects at once: a backfill of years must leave clients room in the stream.
    scalingConfig: { maximumConcurrency: 2 },
  });
  const rules = c.accessLogs.map(({ bucket, prefix }, index) => {
    const rule = new Rule(here, `Created${index}`, {
      description: `Objects below ${bucket}/${prefix}: the bucket must send its events to EventBridge.`,
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [bucket] }, object: { key: [{ prefix }] } },
      },
      targets: [{ bind: () => ({ arn: queue.queueArn }) }],
    });
    acknowledge(rule, {
      'Serverless-EventBusDLQ':
        'EventBridge tries for a day; the backfill command finds what it could not deliver.',
    });
    return rule.ruleArn;
  });
  // CDK's own target adds a statement for each rule, and SQS allows 10 conditions in a policy.
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': rules } },
    }),
  );
  return queue;
}

function collectorFunction(scope: Construct, platform: Platform, queue: Queue): HandlerFunction {
  const { configuration: c, stream, ledger, deadLetters } = platform;
  const arns = (names: string[]) => [...new Set(names)].map((name) => `arn:${Aws.PARTITION}:s3:::${name}`);
  const buckets = arns(c.accessLogs.map(({ bucket }) => bucket));
  const objects = arns(c.accessLogs.map(({ bucket, prefix }) => `${bucket}/${prefix}*`));
  const keys = [...new Set(c.accessLogs.map(({ kmsKeyArn }) => kmsKeyArn).filter((arn) => arn !== ''))];
  const decrypt = allow('kms', ['Decrypt'], ...keys);
  // S3 decrypts on the function's behalf; the function itself cannot.
  decrypt.addCondition('StringLike', { 'kms:ViaService': 's3.*' });
  const handler = new HandlerFunction(scope, 'Function', platform, {
    noun: 'collector',
    description: 'Reads access logs from buckets and puts their requests into the stream, each object once.',
    timeoutSeconds: TIMEOUT_SECONDS,
    memoryMb: 1024,
    environment: {
      ACCESS_LOGS: JSON.stringify(c.accessLogs.map(({ kmsKeyArn, ...log }) => log)),
      DEDUP_WINDOW_SECONDS: String(c.dedupWindowSeconds),
      COLLECTOR_QUEUE_URL: queue.queueUrl,
      STREAM_NAME: stream.streamName,
      LEDGER_TABLE: ledger.tableName,
      DEAD_LETTER_QUEUE_URL: deadLetters.queueUrl,
    },
    statements: [
      allow('s3', ['GetObject'], ...objects),
      // Without it, S3 answers 403 instead of 404 for an object that is gone.
      allow('s3', ['ListBucket'], ...buckets),
      ...(keys.length === 0 ? [] : [decrypt]),
      allow('dynamodb', ['GetItem', 'PutItem'], ledger.tableArn),
      allow('kinesis', ['PutRecords'], stream.streamArn),
      allow(
        'sqs',
        ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage', 'SendMessage'],
        queue.queueArn,
      ),
      allow('sqs', ['SendMessage'], deadLetters.queueArn),
    ],
  });
  // A run announces its object again for the next one, which Lambda would take for a loop, and stop after 16 runs.
  resourceIn(handler.function).addPropertyOverride('RecursiveLoop', 'Allow');
  for (const arn of objects) {
    acknowledge(handler.policy, {
      [`AwsSolutions-IAM5[Resource::${arn.replace(Aws.PARTITION, '<AWS::Partition>')}]`]:
        'Keys of logs are not known before they are written; the prefix is all that a policy can say.',
    });
  }
  return handler;
}
