// Aggregation: the stream's batches become segments in the ledger and rollup messages in the queue.
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import { CfnEventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ARCHIVE_PREFIXES } from './archive.ts';
import { dedupIdsMax } from './dedup-room.ts';
import { allow, HandlerFunction, type Surroundings } from './handler-function.ts';
import { secondsOf } from './seconds.ts';

/** What aggregation stands between. */
export interface AggregationProps extends Surroundings {
  readonly stream: Stream;
  readonly ledger: Table;
  readonly queue: Queue;
  readonly archive: Bucket;
}

/** The aggregator and the one mapping that feeds it. */
export class Aggregation extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: AggregationProps) {
    super(scope, id);
    const { configuration: c, stream, ledger, queue, archive } = props;
    const handler = new HandlerFunction(this, 'Aggregator', props, {
      noun: 'aggregator',
      description: 'Plans segments of the stream in the ledger and sends their rollup messages.',
      timeoutSeconds: c.aggregatorTimeoutSeconds,
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
        BUCKET_MINUTES: String(c.bucketMinutes),
        DEDUP_WINDOW_SECONDS: String(c.dedupWindowSeconds),
        DEDUP_IDS_MAX: String(dedupIdsMax(c)),
        ACCEPT_PAST_SECONDS: String(c.acceptPastSeconds),
        ACCEPT_FUTURE_SECONDS: String(c.acceptFutureSeconds),
        LEDGER_RETENTION_SECONDS: secondsOf(c.ledgerRetentionDays),
      },
      statements: [
        allow(
          [
            'kinesis:DescribeStream',
            'kinesis:DescribeStreamSummary',
            'kinesis:GetRecords',
            'kinesis:GetShardIterator',
            'kinesis:ListShards',
            // Lambda names it when it refuses a mapping; there is nothing of it that one stream's name would allow.
            'kinesis:ListStreams',
          ],
          [stream.streamArn],
        ),
        allow(
          ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
          [ledger.tableArn],
        ),
        allow(['sqs:SendMessage'], [queue.queueArn]),
        // Lambda checks the mapping's destination with the function's role, and writes to it.
        allow(['s3:ListBucket'], [archive.bucketArn]),
      ],
      archived: {
        bucket: archive,
        prefixes: [
          ARCHIVE_PREFIXES.rejected,
          ARCHIVE_PREFIXES.failedBatches,
          ...(c.archiveRawEvents ? [ARCHIVE_PREFIXES.raw] : []),
        ],
      },
      withoutDestination: 'Only its mapping invokes it, synchronously, and repeats a failed batch for ever.',
    });
    this.function = handler.function;

    // The ledger's protocol rests on each of these. With finite retries, LATEST or a second mapping, records between
    // the ledger's last segment and the next batch would vanish; with bisecting or more than one batch of a shard at
    // once there would be no order to plan by (docs/architecture.md).
    const mapping = new CfnEventSourceMapping(this, 'Batches', {
      functionName: handler.function.functionArn,
      eventSourceArn: stream.streamArn,
      startingPosition: 'TRIM_HORIZON',
      batchSize: c.aggregatorBatchSize,
      maximumBatchingWindowInSeconds: c.aggregatorWindowSeconds,
      parallelizationFactor: c.aggregatorParallelization,
      bisectBatchOnFunctionError: false,
      functionResponseTypes: ['ReportBatchItemFailures'],
      maximumRetryAttempts: -1,
      maximumRecordAgeInSeconds: -1,
      // S3 is the destination that gets the records too, not only where they were.
      destinationConfig: { onFailure: { destination: archive.bucketArn } },
    });
    mapping.node.addDependency(handler.policy);
  }
}
