// Compaction: days, months and totals are brought up to what the counter items say.
import { Duration } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { allow, HandlerFunction, type Surroundings } from './handler-function.ts';
import { every } from './schedule.ts';
import { secondsOf } from './seconds.ts';

/** What compaction reads and writes. */
export interface CompactionProps extends Surroundings {
  readonly stream: Stream;
  readonly counters: Table;
  readonly ledger: Table;
}

/** The compactor, run every five minutes: its time-out is below that, so that two runs rarely meet. */
export class Compaction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: CompactionProps) {
    super(scope, id);
    const { configuration: c, stream, counters, ledger } = props;
    const handler = new HandlerFunction(this, 'Compactor', props, {
      noun: 'compactor',
      description: 'Brings days, months and totals up to what was counted, once an hour each shard.',
      timeoutSeconds: c.compactorTimeoutSeconds,
      memoryMb: c.compactorMemoryMb,
      environment: {
        COUNTER_TABLE: counters.tableName,
        LEDGER_TABLE: ledger.tableName,
        STREAM_NAME: stream.streamName,
        STREAM_GENERATION: c.streamGeneration,
        COUNTER_RETENTION_SECONDS: secondsOf(c.counterRetentionDays),
        HOUR_RETENTION_SECONDS: secondsOf(c.hourRetentionDays),
        DAY_RETENTION_SECONDS: secondsOf(c.dayRetentionDays),
      },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem'], [counters.tableArn]),
        allow(
          [
            'dynamodb:BatchGetItem',
            'dynamodb:GetItem',
            'dynamodb:PutItem',
            'dynamodb:Query',
            'dynamodb:UpdateItem',
          ],
          [ledger.tableArn],
        ),
        // Which shards there are: one without records holds the levels' claims back as well.
        allow(['kinesis:ListShards'], [stream.streamArn]),
      ],
      withoutDestination:
        'A run that fails leaves its cursors where they were; the next one goes on from there.',
    });
    this.function = handler.function;
    every(this, 'EveryFiveMinutes', Duration.minutes(5), handler.function);
  }
}
