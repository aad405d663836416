// Reading: counts and the pipeline's status, by the query function.
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { COUNTS_QUESTION } from '../api/counts.ts';
import { COUNTS_BATCH_SCHEMA } from './events-schema.ts';
import { type FrontDoor, PUBLIC_PATH } from './front-door.ts';
import { allow, HandlerFunction, type Surroundings } from './handler-function.ts';
import { secondsOf } from './seconds.ts';
import { OPEN_HOUR_INDEX, openHourEnvironment } from './tables.ts';

/** What reading stands between. */
export interface QueryApiProps extends Surroundings {
  readonly frontDoor: FrontDoor;
  readonly counters: Table;
  readonly ledger: Table;
  readonly stream: Stream;
}

/**
 * What makes two questions the same for the API's cache. If-None-Match is one of them: the cache keeps a 304 as well, and a
 * client that has nothing yet must not get it.
 */
const COUNTS_CACHE_KEYS = [
  'method.request.path.metric',
  'method.request.path.entity',
  ...Object.keys(COUNTS_QUESTION).map((name) => `method.request.querystring.${name}`),
  'method.request.header.If-None-Match',
];

/** `GET /v1/counts/{metric}/{entity+}`, under IAM below `/v1/admin` too, `POST /v1/counts:batch`, `GET /v1/top/{metric}`, `GET /v1/status` and the API's own description. */
export class QueryApi extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: QueryApiProps) {
    super(scope, id);
    const { configuration: c, frontDoor, counters, ledger, stream } = props;
    const handler = new HandlerFunction(this, 'Query', props, {
      noun: 'query',
      description: 'Answers counts and the status of the pipeline.',
      timeoutSeconds: c.queryTimeoutSeconds,
      memoryMb: c.queryMemoryMb,
      environment: {
        COUNTER_TABLE: counters.tableName,
        LEDGER_TABLE: ledger.tableName,
        STREAM_NAME: stream.streamName,
        STREAM_GENERATION: c.streamGeneration,
        ACCEPT_PAST_SECONDS: String(c.acceptPastSeconds),
        COUNTER_RETENTION_SECONDS: secondsOf(c.counterRetentionDays),
        HOUR_RETENTION_SECONDS: secondsOf(c.hourRetentionDays),
        DAY_RETENTION_SECONDS: secondsOf(c.dayRetentionDays),
        CORS_ORIGIN: c.allowOrigin,
        API_CACHED: String(c.apiCacheGb > 0),
        PUBLIC_METRICS: c.publicMetrics.join(','),
        ...openHourEnvironment(c),
      },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:Query'], [counters.tableArn]),
        allow(['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'], [ledger.tableArn]),
        // What the front door accepted and no segment has yet is counted in the stream.
        allow(['kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:ListShards'], [stream.streamArn]),
        ...(c.topOpenHourIndex
          ? [allow(['dynamodb:Query'], [`${counters.tableArn}/index/${OPEN_HOUR_INDEX}`])]
          : []),
      ],
      withoutDestination: 'Only the front door invokes it, synchronously, and hands failures to the client.',
    });
    this.function = handler.function;

    // Greedy, so that an entity may hold slashes even when the client left them as they are. API Gateway drops a slash at
    // the end: /v1/counts/play/blog/ asks for "blog", blog%2F for "blog/".
    frontDoor.addRead('counts/{metric}/{entity+}', handler.function, COUNTS_CACHE_KEYS);
    frontDoor.addQuestion('counts:batch', handler.function, 'CountsBatch', COUNTS_BATCH_SCHEMA);
    // For the canary, which has no API key but a role.
    frontDoor.addSigned('GET', 'admin/counts/{metric}/{entity+}', handler.function);
    if (c.publicMetrics.length > 0) frontDoor.addOpenRead(PUBLIC_PATH, handler.function);
    frontDoor.addRead('top/{metric}', handler.function);
    frontDoor.addRead('status', handler.function);
    frontDoor.addRead('openapi.json', handler.function);
  }
}
