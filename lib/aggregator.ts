// The aggregator: turns the stream's batches into segments in the ledger and rollup messages in the queue.
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { acknowledge, logicalIdOf } from './acknowledge.ts';
import { ARCHIVE_PREFIXES } from './archive.ts';
import { dedupIdsMax } from './dedup-capacity.ts';
import { secondsOf } from './environment.ts';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';

/** The aggregator and its only event source mapping. */
export function aggregator(platform: Platform): LambdaFunction {
  const { configuration: c, stream, ledger, queue, archive } = platform;
  const handler = new HandlerFunction(platform.stack, 'Aggregator', platform, {
    noun: 'aggregator',
    description: 'Plans segments of the stream in the ledger and sends their rollup messages.',
    // A cold container reads its dedup window within half of it.
    timeoutSeconds: 60,
    memoryMb: c.aggregatorMemoryMb,
    environment: {
      STREAM_NAME: stream.streamName,
      STREAM_GENERATION: c.streamGeneration,
      STREAM_GENERATION_FROM: c.streamGenerationFrom,
      STREAM_RETENTION_HOURS: String(c.streamRetentionHours),
      LEDGER_TABLE: ledger.tableName,
      ROLLUP_QUEUE_URL: queue.queueUrl,
      ARCHIVE_BUCKET: archive.bucketName,
      ARCHIVE_RAW_EVENTS: String(c.archiveRawEvents),
      HASH_SLOTS: String(c.hashSlots),
      DEDUP_WINDOW_SECONDS: String(c.dedupWindowSeconds),
      DEDUP_IDS_MAX: String(dedupIdsMax(c)),
      ACCEPT_PAST_SECONDS: String(c.acceptPastSeconds),
      ACCEPT_FUTURE_SECONDS: String(c.acceptFutureSeconds),
      LEDGER_RETENTION_SECONDS: secondsOf(c.ledgerRetentionDays),
    },
    statements: [
      allow(
        'kinesis',
        [
          'DescribeStream',
          'DescribeStreamSummary',
          'GetRecords',
          'GetShardIterator',
          'ListShards',
          // Lambda requires it for a mapping; it cannot be restricted to one stream.
          'ListStreams',
        ],
        stream.streamArn,
      ),
      allow('dynamodb', ['GetItem', 'PutItem', 'Query', 'UpdateItem'], ledger.tableArn),
      allow('sqs', ['SendMessage'], queue.queueArn),
      allow('s3', DESTINATION_BUCKET_ACTIONS, archive.bucketArn),
      allow('s3', DESTINATION_OBJECT_ACTIONS, archive.arnForObjects(DESTINATION_KEYS)),
    ],
    archived: [ARCHIVE_PREFIXES.rejected, ...(c.archiveRawEvents ? [ARCHIVE_PREFIXES.raw] : [])],
  });

  // The ledger's protocol depends on each of these. With finite retries, LATEST or a second mapping, records between the
  // ledger's last segment and the next batch would be lost; with bisecting or more than one concurrent batch of a shard
  // there would be no order to plan by (docs/architecture.md).
  handler.readFrom(handler, 'Batches', {
    eventSourceArn: stream.streamArn,
    startingPosition: 'TRIM_HORIZON',
    batchSize: 10_000,
    maximumBatchingWindowInSeconds: c.aggregatorWindowSeconds,
    parallelizationFactor: 1,
    bisectBatchOnFunctionError: false,
    maximumRetryAttempts: -1,
    maximumRecordAgeInSeconds: -1,
    // S3 is the destination that receives the records themselves, not only their position.
    destinationConfig: { onFailure: { destination: archive.bucketArn } },
  });
  const wildcards = [...DESTINATION_BUCKET_ACTIONS, ...DESTINATION_OBJECT_ACTIONS].filter((action) =>
    action.endsWith('*'),
  );
  for (const found of [
    ...wildcards.map((action) => `Action::s3:${action}`),
    `Resource::<${logicalIdOf(archive)}.Arn>/${DESTINATION_KEYS}`,
  ]) {
    acknowledge(handler.policy, {
      [`AwsSolutions-IAM5[${found}]`]:
        'What CDK grants to an on-failure destination; objects only below the prefix that Lambda chooses.',
    });
  }
  return handler.function;
}

/**
 * The permissions of CDK's own S3OnFailureDestination, restricted to Lambda's prefix. Lambda checks the destination with the
 * function's role when it creates the mapping, and refuses the mapping if a permission is missing.
 */
const DESTINATION_BUCKET_ACTIONS = ['GetBucket*', 'List*'];
const DESTINATION_OBJECT_ACTIONS = [
  'Abort*',
  'DeleteObject*',
  'GetObject*',
  'PutObject',
  'PutObjectLegalHold',
  'PutObjectRetention',
  'PutObjectTagging',
  'PutObjectVersionTagging',
];
const DESTINATION_KEYS = `${ARCHIVE_PREFIXES.failedBatches}*`;
