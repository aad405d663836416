// The redriver Lambda: empties the dead-letter queue, on its schedule or when an operator asks.
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context, ScheduledEvent } from 'aws-lambda';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { sqs } from '../aws/clients/sqs.ts';
import { retentionsIn, secondsAsMs, secondsOrForeverAsMs, text } from '../aws/environment.ts';
import { jsonAnswer } from '../aws/http-answer.ts';
import { lazily } from '../aws/lazily.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { StoreTable } from '../store/store-table.ts';
import { SqsDeadLetters } from './dead-letters.aws.ts';
import { type RedriverPorts, redrive } from './redrive.ts';
import { InvalidRedriveRequest, parseRedriveRequest, type RedriveRequest } from './redrive-request.ts';

const { env } = process;
const { logger, metrics, countAny } = telemetry(env);

/** Maximum time for ten dead letters. With less time left, the next run continues. */
const RESERVE_MS = 15_000;
/** An operator's request ends before API Gateway's 29 seconds do. */
const REQUEST_MS_MAX = 20_000;

const retries = {
  name: text(env, 'RETRY_PARAMETER'),
  rereadMs: secondsAsMs(env, 'RETRY_REREAD_SECONDS'),
};
const dynamoDbClient = dynamoDb();
const queues = { deadLetterUrl: text(env, 'DEAD_LETTER_QUEUE_URL'), queueUrl: text(env, 'ROLLUP_QUEUE_URL') };
const store = new StoreTable(
  dynamoDbClient,
  text(env, 'COUNTS_TABLE'),
  systemClock,
  secondsOrForeverAsMs(env, 'DELTA_RETENTION_SECONDS'),
);
const ledger = new LedgerTable(dynamoDbClient, text(env, 'LEDGER_TABLE'), systemClock);
const bucket = text(env, 'ARCHIVE_BUCKET');
/** Loaded to park a dead letter, or to keep expired rows. */
const archive = lazily(async () => (await import('../aws/archive.ts')).openArchive(bucket));
const retryParameter = lazily(async () =>
  (await import('../aws/retry-parameter.ts')).openRetryParameter(retries, systemClock, (problem) => {
    countAny({ RetryParameterProblems: 1 });
    logger.error('the retry parameter cannot be used; the last good value stays in use', { problem });
  }),
);
const retentions = retentionsIn(env);
const ports: RedriverPorts = {
  deadLetters: new SqsDeadLetters(sqs(), queues, {
    keepParked: async (...message) => (await archive()).keepParked(...message),
  }),
  deltas: store,
  ledger,
  expired: { keepExpired: async (delta) => (await archive()).keepExpired(delta) },
  tables: { isHealthy: async () => (await store.isHealthy()) && (await ledger.isHealthy()) },
  retryPolicy: { current: async () => (await retryParameter()).current() },
  clock: systemClock,
};

async function redriveEvent(
  event: ScheduledEvent | APIGatewayProxyEvent,
  context: Context,
): Promise<APIGatewayProxyResult> {
  const requested = 'httpMethod' in event;
  const request = requested ? readRequest(event) : { max: undefined };
  if (request instanceof InvalidRedriveRequest) return jsonAnswer(400, { message: request.message });
  const endMs = requested ? systemClock.nowMs() + REQUEST_MS_MAX : Number.POSITIVE_INFINITY;
  const inTime = timeLeft(context, RESERVE_MS);
  const settings = { retentions, messagesMax: request.max };
  const { failures, ...report } = await redrive(
    ports,
    settings,
    () => inTime() && systemClock.nowMs() < endMs,
  );
  countAny({ DeadLettersReturned: report.written + report.returned, DeadLettersParked: report.parked });
  if (failures.length > 0)
    logger.warn('not all dead letters could be redriven', { failures: [...new Set(failures)] });
  return jsonAnswer(200, report);
}

function readRequest(event: APIGatewayProxyEvent): RedriveRequest | InvalidRedriveRequest {
  try {
    return parseRedriveRequest(event.body);
  } catch (error) {
    if (error instanceof InvalidRedriveRequest) return error;
    throw error;
  }
}

export const handler = middy<ScheduledEvent | APIGatewayProxyEvent, APIGatewayProxyResult>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(redriveEvent);
