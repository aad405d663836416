// The collector Lambda: announced objects in, batches of the stream out.
import type { Context, SQSBatchItemFailure, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { kinesis } from '../aws/clients/kinesis.ts';
import { s3 } from '../aws/clients/s3.ts';
import { sqs } from '../aws/clients/sqs.ts';
import { secondsAsMs, text } from '../aws/environment.ts';
import { SqsFailedMessages, SqsRollupQueue } from '../aws/rollup-queue.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { afterFailure } from '../core/message-history.ts';
import { announcedObject, announcementOf } from './announcement.ts';
import { kinesisBatches } from './batch-stream.aws.ts';
import { type CollectorSettings, collect } from './collect.ts';
import { s3LogObjects } from './objects.aws.ts';
import type { AccessLog, CollectorPorts } from './ports.ts';
import { ledgerProgress } from './progress.aws.ts';

const { env } = process;
const { logger, countAny, handlerOf } = telemetry(env);

/** Time for the batches between two saves on a stream that throttles. */
const RESERVE_MS = 60_000;

const settings: CollectorSettings = {
  accessLogs: JSON.parse(text(env, 'ACCESS_LOGS')) as AccessLog[],
  dedupWindowMs: secondsAsMs(env, 'DEDUP_WINDOW_SECONDS'),
};
const queueUrl = text(env, 'COLLECTOR_QUEUE_URL');
const queue = new SqsRollupQueue(sqs(), queueUrl);
const failed = new SqsFailedMessages(sqs(), queueUrl, text(env, 'DEAD_LETTER_QUEUE_URL'));
const ports: Omit<CollectorPorts, 'run'> = {
  objects: s3LogObjects(s3()),
  progress: ledgerProgress(dynamoDb(), text(env, 'LEDGER_TABLE')),
  stream: kinesisBatches(kinesis(), text(env, 'STREAM_NAME')),
  report: async (object, reason, { offset, lines }) => {
    const { bucket, key } = object;
    const body = { ...announcementOf(object), countedUpTo: { offset, lines } };
    // Every further attempt would fail, too: the redriver parks it in the archive.
    const failure = { attempts: 1, reason, poison: true, nowMs: systemClock.nowMs() };
    await failed.bury({ body: JSON.stringify(body) }, afterFailure(undefined, failure));
    logger.error('an object is not counted as it should be', { bucket, key, reason });
  },
  nowMs: systemClock.nowMs,
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

async function collectEvent({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const failures: SQSBatchItemFailure[] = [];
  for (const { messageId, body } of Records) {
    const object = announcedObject(body);
    if (object === undefined) {
      logger.warn('a message announces no object', { messageId });
      continue;
    }
    const { bucket, key } = object;
    try {
      const run = `${context.awsRequestId}/${messageId}`;
      const hasTime = timeLeft(context, RESERVE_MS);
      const { outcome, events, reason } = await collect(object, { ...ports, run }, settings, hasTime);
      countAny({ EventsCollected: events });
      if (outcome === 'ignored' && reason !== undefined)
        logger.warn('an object is ignored', { bucket, key, reason });
      // Continue in a new message: this one may be at its receive limit.
      if (outcome === 'more') await queue.send([{ body }]);
      if (outcome === 'busy') failures.push({ itemIdentifier: messageId });
    } catch (caught) {
      const error = caught as Error;
      logger.error('an object could not be collected; its message will be redelivered', {
        bucket,
        key,
        error,
      });
      failures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures: failures };
}

export const handler = handlerOf(collectEvent);
