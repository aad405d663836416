// The redriver Lambda: empties the dead-letter queue, every minute.
import type { Context, ScheduledEvent } from 'aws-lambda';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { sqs } from '../aws/clients/sqs.ts';
import { retentionsIn, secondsAsMs, secondsOrForeverAsMs, text } from '../aws/environment.ts';
import { lazily } from '../aws/lazily.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { StoreTable } from '../store/store-table.ts';
import { SqsDeadLetters } from './dead-letters.aws.ts';
import { type RedriveReport, type RedriverPorts, redrive } from './redrive.ts';

const { env } = process;
const { logger, countAny, countNow, handlerOf } = telemetry(env);

/** Maximum time for ten dead letters. With less time left, the next run continues. */
const RESERVE_MS = 15_000;

const retries = {
  name: text(env, 'RETRY_PARAMETER'),
  rereadMs: secondsAsMs(env, 'RETRY_REREAD_SECONDS'),
};
const dynamoDbClient = dynamoDb();
const queues = { deadLetterUrl: text(env, 'DEAD_LETTER_QUEUE_URL'), queueUrl: text(env, 'ROLLUP_QUEUE_URL') };
const deltaRetentionMs = secondsOrForeverAsMs(env, 'DELTA_RETENTION_SECONDS');
const store = new StoreTable(dynamoDbClient, text(env, 'COUNTS_TABLE'), systemClock, deltaRetentionMs);
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
    keepParked: async (...message) => {
      await (await archive()).keepParked(...message);
      // Before it leaves the queue: whatever ends this run, the alarm on what needs an operator has gone off.
      countNow('DeadLettersParked', 1);
    },
  }),
  deltas: store,
  ledger,
  expired: { keepExpired: async (delta) => (await archive()).keepExpired(delta) },
  tables: { isHealthy: async () => (await store.isHealthy()) && (await ledger.isHealthy()) },
  retryPolicy: { current: async () => (await retryParameter()).current() },
  clock: systemClock,
};

async function redriveEvent(_: ScheduledEvent, context: Context): Promise<Omit<RedriveReport, 'failures'>> {
  const { failures, ...report } = await redrive(ports, { retentions }, timeLeft(context, RESERVE_MS));
  countAny({ DeadLettersReturned: report.written + report.returned });
  if (failures.length > 0)
    logger.warn('not all dead letters could be redriven', { failures: [...new Set(failures)] });
  return report;
}

export const handler = handlerOf(redriveEvent);
