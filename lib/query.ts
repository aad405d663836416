// The query function: counts, top lists and the status of the pipeline.
import { Aws } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { COUNTS_BATCH } from '../api/counts.ts';
import { retentionEnvironment, secondsOf } from './environment.ts';
import { PUBLIC_PATH } from './front-door.ts';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';

/** `GET /v1/counts/{metric}/{entity+}`, under IAM below `/v1/admin` too, `POST /v1/counts:batch`, `GET /v1/top/{metric}`, `GET /v1/metrics`, `GET /v1/status` and the API's own description. */
export function query(platform: Platform): LambdaFunction {
  const { configuration: c, frontDoor, counts, ledger, stream } = platform;
  const handler = new HandlerFunction(platform.stack, 'Query', platform, {
    noun: 'query',
    description: 'Answers counts and the status of the pipeline.',
    timeoutSeconds: 10,
    memoryMb: c.queryMemoryMb,
    environment: {
      COUNTS_TABLE: counts.tableName,
      LEDGER_TABLE: ledger.tableName,
      ACCEPT_FUTURE_SECONDS: String(c.acceptFutureSeconds),
      ...retentionEnvironment(c),
      DELTA_RETENTION_SECONDS: secondsOf(c.deltaRetentionDays),
      STACK_NAME: platform.stack.stackName,
      STACK_ID: Aws.STACK_ID,
      STREAM_NAME: stream.streamName,
      STREAM_GENERATION: c.streamGeneration,
      CORS_ORIGIN: c.allowOrigin,
      PUBLIC_METRICS: c.publicMetrics.join(','),
    },
    statements: [
      allow('dynamodb', ['BatchGetItem', 'GetItem', 'Query'], counts.tableArn),
      allow('dynamodb', ['BatchGetItem', 'GetItem', 'Query'], ledger.tableArn),
      // Events accepted by the front door that are in no segment yet are counted in the stream.
      allow('kinesis', ['GetRecords', 'GetShardIterator', 'ListShards'], stream.streamArn),
    ],
  });

  // Greedy, so that an entity may contain slashes even if the client does not encode them. API Gateway drops a trailing
  // slash: /v1/counts/play/blog/ means "blog", blog%2F means "blog/".
  frontDoor.addRoute('open', 'v1/counts/{metric}/{entity+}', handler.function);
  frontDoor.addRoute('open', 'v1/counts:batch', handler.function, {
    title: 'CountsBatch',
    schema: COUNTS_BATCH,
  });
  // For the canary, which has a role but no API key.
  frontDoor.addRoute('signed', 'v1/admin/counts/{metric}/{entity+}', handler.function);
  if (c.publicMetrics.length > 0) frontDoor.addRoute('public', PUBLIC_PATH, handler.function);
  frontDoor.addRoute('open', 'v1/top/{metric}', handler.function);
  frontDoor.addRoute('open', 'v1/metrics', handler.function);
  frontDoor.addRoute('open', 'v1/status', handler.function);
  frontDoor.addRoute('open', 'v1/openapi.json', handler.function);
  return handler.function;
}
