// Writing: rollup messages become counter items.
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { CfnEventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { ARCHIVE_PREFIXES } from './archive.ts';
import { allow, HandlerFunction, type Surroundings } from './handler-function.ts';
import { secondsOf } from './seconds.ts';
import { openHourEnvironment } from './tables.ts';

/** What writing stands between. */
export interface WritingProps extends Surroundings {
  readonly counters: Table;
  readonly ledger: Table;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly archive: Bucket;
  readonly retries: StringParameter;
}

/** The writer and the mapping that feeds it. */
export class Writing extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: WritingProps) {
    super(scope, id);
    const { configuration: c, counters, ledger, queue, deadLetters, archive, retries } = props;
    const handler = new HandlerFunction(this, 'Writer', props, {
      noun: 'writer',
      description:
        'Applies rollup messages to the counters, each segment once, and acknowledges them in the ledger.',
      timeoutSeconds: c.writerTimeoutSeconds,
      memoryMb: c.writerMemoryMb,
      environment: {
        COUNTER_TABLE: counters.tableName,
        LEDGER_TABLE: ledger.tableName,
        ROLLUP_QUEUE_URL: queue.queueUrl,
        DEAD_LETTER_QUEUE_URL: deadLetters.queueUrl,
        ARCHIVE_BUCKET: archive.bucketName,
        COUNTER_RETENTION_SECONDS: secondsOf(c.counterRetentionDays),
        RETRY_PARAMETER: retries.parameterName,
        RETRY_REREAD_SECONDS: String(c.retryRereadSeconds),
        ...openHourEnvironment(c),
      },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [counters.tableArn]),
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [ledger.tableArn]),
        allow(
          [
            'sqs:ChangeMessageVisibility',
            'sqs:DeleteMessage',
            'sqs:GetQueueAttributes',
            'sqs:ReceiveMessage',
          ],
          [queue.queueArn],
        ),
        allow(['sqs:SendMessage'], [deadLetters.queueArn]),
        allow(['ssm:GetParameter'], [retries.parameterArn]),
      ],
      archived: { bucket: archive, prefixes: [ARCHIVE_PREFIXES.expired] },
      withoutDestination: 'Only its mapping invokes it, synchronously; what fails stays in the queue.',
    });
    this.function = handler.function;

    const mapping = new CfnEventSourceMapping(this, 'Messages', {
      functionName: handler.function.functionArn,
      eventSourceArn: queue.queueArn,
      batchSize: c.writerBatchSize,
      maximumBatchingWindowInSeconds: c.writerWindowSeconds,
      // One poisoned message must not send its neighbours back.
      functionResponseTypes: ['ReportBatchItemFailures'],
      scalingConfig: { maximumConcurrency: c.writerConcurrency },
    });
    mapping.node.addDependency(handler.policy);
    acknowledge(mapping, {
      'Serverless-LambdaEventSourceMappingDestination':
        "A queue's mapping has none; the writer itself and the queue's redrive policy move what fails to the dead letters.",
    });
  }
}
