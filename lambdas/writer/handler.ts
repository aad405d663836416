// The writer Lambda: rollup messages in, conditional upserts of deltas out.
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { sqs } from '../aws/clients/sqs.ts';
import { retentionsIn, secondsAsMs, secondsOrForeverAsMs, text } from '../aws/environment.ts';
import { lazily } from '../aws/lazily.ts';
import { deliveredMessage, SqsFailedMessages } from '../aws/rollup-queue.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { StoreTable } from '../store/store-table.ts';
import { type WriterPorts, type WriterSettings, writeRollups } from './write.ts';

const { env } = process;
const { logger, count, countAny, measureMs, handlerOf } = telemetry(env);

/** Concurrent deltas: enough to keep the connections busy, few enough not to overload one partition. */
const CONCURRENCY = 32;

/** A put to an unresponsive table fails after 6 seconds plus the pauses between its attempts. */
const PATIENCE = { requestTimeoutMs: 2_000, maxAttempts: 3 };

/** Time for the last puts on an unresponsive table, then their acknowledgement, then the report of failures. */
const REPORT_RESERVE_MS = 15_000;

const settings: WriterSettings = { retentions: retentionsIn(env), concurrency: CONCURRENCY };

const retries = {
  name: text(env, 'RETRY_PARAMETER'),
  rereadMs: secondsAsMs(env, 'RETRY_REREAD_SECONDS'),
};
const bucket = text(env, 'ARCHIVE_BUCKET');
/** Opened only when rows arrive after their retention. */
const archive = lazily(async () => (await import('../aws/archive.ts')).openArchive(bucket));
/** Read only when a message failed. */
const retryParameter = lazily(async () =>
  (await import('../aws/retry-parameter.ts')).openRetryParameter(retries, systemClock, (problem) => {
    logger.error('the retry parameter cannot be used; the last good value stays in use', { problem });
  }),
);

const dynamoDbClient = dynamoDb(PATIENCE);
const deltaRetentionMs = secondsOrForeverAsMs(env, 'DELTA_RETENTION_SECONDS');
const countsTable = text(env, 'COUNTS_TABLE');
const ledgerTable = text(env, 'LEDGER_TABLE');
const ports: WriterPorts = {
  deltas: new StoreTable(dynamoDbClient, countsTable, systemClock, deltaRetentionMs),
  ledger: new LedgerTable(dynamoDbClient, ledgerTable, systemClock),
  expired: { keepExpired: async (delta) => (await archive()).keepExpired(delta) },
  failed: new SqsFailedMessages(sqs(), text(env, 'ROLLUP_QUEUE_URL'), text(env, 'DEAD_LETTER_QUEUE_URL')),
  retryPolicy: { current: async () => (await retryParameter()).current() },
  clock: systemClock,
  random: Math.random,
};

async function writeEvent(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const messages = event.Records.map(deliveredMessage);
  const hasTime = timeLeft(context, REPORT_RESERVE_MS);
  const { retry, report } = await writeRollups(messages, ports, settings, hasTime);
  count({ EventsCounted: report.eventsCounted });
  countAny({ EventsExpired: report.expired });
  measureMs('Freshness', report.freshnessMs);
  if (report.failures.length > 0) logger.warn('messages failed', { failures: [...new Set(report.failures)] });
  return { batchItemFailures: retry.map((itemIdentifier) => ({ itemIdentifier })) };
}

export const handler = handlerOf(writeEvent);
