// The accountant Lambda: advances the checkpoints every minute, and publishes the pipeline's accounts.
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context, ScheduledEvent } from 'aws-lambda';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { kinesis } from '../aws/clients/kinesis.ts';
import { retentionsIn, secondsAsMs, secondsOrForeverAsMs, text } from '../aws/environment.ts';
import { KinesisLog } from '../aws/stream-log.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { conservationDifference, hourConservationDifference } from '../core/pipeline-status.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { advanceCheckpoints } from './advance-checkpoints.ts';
import { advanceWatermark } from './advance-watermark.ts';
import { readStatus } from './read-status.ts';

const { env } = process;
const { logger, metrics, countAny, handlerOf } = telemetry(env);
const ledger = new LedgerTable(dynamoDb(), text(env, 'LEDGER_TABLE'), systemClock);
const stream = new KinesisLog(kinesis(), text(env, 'STREAM_NAME'));
const generation = text(env, 'STREAM_GENERATION');
const settings = {
  retentions: retentionsIn(env),
  deltaRetentionMs: secondsOrForeverAsMs(env, 'DELTA_RETENTION_SECONDS'),
  acceptFutureMs: secondsAsMs(env, 'ACCEPT_FUTURE_SECONDS'),
};

/** Time for the last step and the status. */
const RESERVE_MS = 20_000;

async function keepAccounts(_event: ScheduledEvent, context: Context): Promise<void> {
  await advanceCheckpoints(ledger, timeLeft(context, RESERVE_MS));
  const { throughMs, gaps, lost } = await advanceWatermark(ledger, stream, generation, systemClock, settings);
  countAny({ ShardsLost: gaps.length });
  if (gaps.length > 0)
    logger.error('the stream dropped shards before they were read to their end', { shards: gaps });
  if (lost.length > 0) logger.error('the stream dropped planned segments: they are lost', { segments: lost });
  if (throughMs > 0) {
    const lagMs = Math.max(0, systemClock.nowMs() - throughMs);
    metrics.addMetric('CompleteThroughLag', MetricUnit.Milliseconds, lagMs);
  }
  const status = await readStatus(ledger);
  const difference = Math.abs(conservationDifference(status));
  countAny({ ConservationDifference: Math.max(difference, hourConservationDifference(status)) });
}

export const handler = handlerOf(keepAccounts);
