// Redriving: dead letters go back to the queue at a bounded rate, or are parked in the archive.
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { ARCHIVE_PREFIXES } from './archive.ts';
import { allow, HandlerFunction, type Surroundings } from './handler-function.ts';
import { everyMinute } from './schedule.ts';
import { secondsOf } from './seconds.ts';
import { openHourEnvironment } from './tables.ts';

/** What redriving stands between. */
export interface RedrivingProps extends Surroundings {
  readonly counters: Table;
  readonly ledger: Table;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly archive: Bucket;
  readonly retries: StringParameter;
}

/** The redriver, run every minute, and by `POST /v1/admin/redrive`. */
export class Redriving extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: RedrivingProps) {
    super(scope, id);
    const { configuration: c, counters, ledger, queue, deadLetters, archive, retries } = props;
    const handler = new HandlerFunction(this, 'Redriver', props, {
      noun: 'redriver',
      description: 'Returns dead letters to the queue while the tables take writes, or parks them.',
      timeoutSeconds: c.redriverTimeoutSeconds,
      memoryMb: 256,
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
        allow(['sqs:DeleteMessage', 'sqs:ReceiveMessage'], [deadLetters.queueArn]),
        allow(['sqs:SendMessage'], [queue.queueArn]),
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [ledger.tableArn]),
        // Reads to ask for health, writes for the probe: one dead letter that the redriver writes itself.
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [counters.tableArn]),
        allow(['ssm:GetParameter'], [retries.parameterArn]),
      ],
      archived: { bucket: archive, prefixes: [ARCHIVE_PREFIXES.parked, ARCHIVE_PREFIXES.expired] },
      withoutDestination:
        'A run that fails leaves its dead letters where they were; the next minute takes them up.',
    });
    this.function = handler.function;
    everyMinute(this, 'EveryMinute', handler.function);
  }
}
