// The compactor: days, months and totals are brought up to what was counted.
import { Duration } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Construct } from 'constructs';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';
import { every } from './schedule.ts';
import { secondsOf } from './seconds.ts';

/** Below the usual five minutes between two runs, so that they rarely meet. */
const TIMEOUT_SECONDS = 280;

/** What the compactor reads and writes. */
export interface CompactorProps extends Platform {
  readonly stream: Stream;
  readonly counters: Table;
  readonly ledger: Table;
}

/** The compactor, run on a schedule. */
export class Compactor extends HandlerFunction {
  constructor(scope: Construct, id: string, props: CompactorProps) {
    const { configuration: c, stream, counters, ledger } = props;
    super(scope, id, props, {
      noun: 'compactor',
      description: 'Brings days, months and totals up to what was counted, once an hour each shard.',
      timeoutSeconds: TIMEOUT_SECONDS,
      memoryMb: c.compactorMemoryMb,
      environment: {
        COUNTER_TABLE: counters.tableName,
        LEDGER_TABLE: ledger.tableName,
        STREAM_NAME: stream.streamName,
        STREAM_GENERATION: c.streamGeneration,
        COUNTER_RETENTION_SECONDS: secondsOf(c.minuteRetentionDays),
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
    every(this, 'Schedule', Duration.seconds(c.compactionSeconds), this.function);
  }
}
