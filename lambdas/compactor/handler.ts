// The compactor Lambda: every few minutes it brings days, months and totals up to what was counted.
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context, ScheduledEvent } from 'aws-lambda';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { kinesis } from '../aws/clients/kinesis.ts';
import { CounterTable } from '../aws/counter-table.ts';
import { retentionsIn, text } from '../aws/environment.ts';
import { LedgerTable } from '../aws/ledger-table.ts';
import { LevelLedgerTable } from '../aws/level-ledger.ts';
import { LevelTable } from '../aws/level-table.ts';
import { KinesisLog } from '../aws/stream-log.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { TopTable } from '../aws/top-table.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../counting/time.ts';
import { TOP_ENTRIES_MAX, TOP_MAX } from '../counting/top-list.ts';
import { compact } from './compact.ts';
import { type CompactorPorts, type CompactorSettings, lookingMsOf } from './compaction.ts';

const { env } = process;
const { logger, metrics, countAny } = telemetry(env);

/** Time for the items under way, their retries, and the claims. */
const RESERVE_MS = 20_000;

const settings: CompactorSettings = {
  generation: text(env, 'STREAM_GENERATION'),
  retentionsMs: retentionsIn(env),
  intervalsMs: { days: HOUR_MS, months: DAY_MS },
  // Whatever is on time is written by then, so that nearly every hour of a counter is recomputed once.
  settleMs: 5 * MINUTE_MS,
  patienceMs: 30 * MINUTE_MS,
  concurrency: 64,
  sweepItems: 300_000,
  portionItems: 10_000,
  // At most: more than half of a run is left to work off what was seen.
  lookingMs: 100_000,
  topLists: {
    entriesMax: TOP_ENTRIES_MAX,
    certainMin: TOP_MAX,
    // Some tens of seconds at most: a list that needs more is left as it is.
    remakeSegmentsMax: 20_000,
    remakeCountersMax: 200_000,
  },
};

const client = dynamoDb();
const [counterTable, ledgerTable] = [text(env, 'COUNTER_TABLE'), text(env, 'LEDGER_TABLE')];
const ports: CompactorPorts = {
  ledger: new LedgerTable(client, ledgerTable, systemClock),
  progress: new LevelLedgerTable(client, ledgerTable),
  stream: new KinesisLog(kinesis(), text(env, 'STREAM_NAME')),
  counters: new CounterTable(client, counterTable),
  levels: new LevelTable(client, counterTable),
  tops: new TopTable(client, ledgerTable),
  clock: systemClock,
};

async function compactDue(_event: ScheduledEvent, context: Context): Promise<void> {
  const lookingMs = lookingMsOf(settings, context.getRemainingTimeInMillis() - RESERVE_MS);
  const report = await compact(ports, { ...settings, lookingMs }, timeLeft(context, RESERVE_MS));
  countAny({ DeltasMissing: report.missed });
  if (report.closedBeforeMs > 0) {
    metrics.addMetric('CompactionLag', MetricUnit.Milliseconds, systemClock.nowMs() - report.closedBeforeMs);
  }
  if (report.missed > 0) {
    logger.error('levels miss what had passed out of retention', { missed: report.missed });
  }
  if (report.topsUncertain > 0) {
    logger.warn('top lists can not say their first entries', {
      lists: report.topsUncertain,
      first: report.uncertainTops,
    });
  }
}

export const handler = middy<ScheduledEvent, void>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(compactDue);
