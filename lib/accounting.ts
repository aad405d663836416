// Accounting: each shard's books are moved forward, and their figures become metrics.
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { allow, HandlerFunction, type Surroundings } from './handler-function.ts';
import { everyMinute } from './schedule.ts';

/** What accounting reads and writes. */
export interface AccountingProps extends Surroundings {
  readonly stream: Stream;
  readonly ledger: Table;
}

/** The accountant, run every minute. */
export class Accounting extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: AccountingProps) {
    super(scope, id);
    const { configuration: c, stream, ledger } = props;
    const handler = new HandlerFunction(this, 'Accountant', props, {
      noun: 'accountant',
      description:
        "Moves each shard's books forward, says up to when counts are complete, emits both as metrics.",
      timeoutSeconds: c.accountantTimeoutSeconds,
      memoryMb: 256,
      environment: {
        LEDGER_TABLE: ledger.tableName,
        STREAM_NAME: stream.streamName,
        STREAM_GENERATION: c.streamGeneration,
      },
      statements: [
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
        // Which shards there are: one without records holds completeThrough back as well.
        allow(['kinesis:ListShards'], [stream.streamArn]),
      ],
      withoutDestination:
        'A run that fails leaves the books where they were; the next minute goes on from there.',
    });
    this.function = handler.function;
    everyMinute(this, 'EveryMinute', handler.function);
  }
}
