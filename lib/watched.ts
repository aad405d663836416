// What is watched: the resources that alarms and dashboard look at.
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';

/** The resources of a stage, by the name of what they are in the picture. */
export interface Watched {
  readonly api: RestApi;
  readonly stream: Stream;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly counters: Table;
  readonly ledger: Table;
  readonly functions: Readonly<
    Record<
      'aggregator' | 'writer' | 'redriver' | 'accountant' | 'query' | 'auditor' | 'canary' | 'compactor',
      LambdaFunction
    >
  >;
}
