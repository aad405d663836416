// The compactor Lambda: merges new deltas into blocks every minute, where a level is due.
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context, ScheduledEvent } from 'aws-lambda';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { kinesis } from '../aws/clients/kinesis.ts';
import { retentionsIn, secondsAsMs, secondsOrForeverAsMs, text, wholeNumber } from '../aws/environment.ts';
import { KinesisLog } from '../aws/stream-log.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { OPEN_SEGMENTS_MAX } from '../core/compaction.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { CompactionStateTable } from '../store/state-table.ts';
import { StoreTable } from '../store/store-table.ts';
import { compact } from './compact.ts';
import { DeltasMissing } from './epoch-rows.ts';
import { BLOCK_BYTES, type CompactorPorts, type CompactorSettings, RANGE_EVENTS_MAX } from './ports.ts';

const { env } = process;
const { logger, metrics, countAny, handlerOf } = telemetry(env);

/** Time for one hash range of an epoch, its last blocks and top lists. */
const RESERVE_MS = 30_000;

const settings: CompactorSettings = {
  generation: text(env, 'STREAM_GENERATION'),
  retentions: retentionsIn(env),
  cadence: { hoursMs: secondsAsMs(env, 'COMPACTION_SECONDS') },
  slotBits: Math.log2(wholeNumber(env, 'HASH_SLOTS')),
  blockBytes: BLOCK_BYTES,
  rangeEventsMax: RANGE_EVENTS_MAX,
  openMax: OPEN_SEGMENTS_MAX,
};

const client = dynamoDb();
const deltaRetentionMs = secondsOrForeverAsMs(env, 'DELTA_RETENTION_SECONDS');
const ledgerRetentionMs = secondsOrForeverAsMs(env, 'LEDGER_RETENTION_SECONDS');
const [countsTable, ledgerTable] = [text(env, 'COUNTS_TABLE'), text(env, 'LEDGER_TABLE')];
const ports: CompactorPorts = {
  state: new CompactionStateTable(client, ledgerTable),
  store: new StoreTable(client, countsTable, systemClock, deltaRetentionMs),
  ledger: new LedgerTable(client, ledgerTable, systemClock, ledgerRetentionMs),
  stream: new KinesisLog(kinesis(), text(env, 'STREAM_NAME')),
  clock: systemClock,
};

async function compactDue(_event: ScheduledEvent, context: Context): Promise<void> {
  try {
    const report = await compact(ports, settings, timeLeft(context, RESERVE_MS));
    if (report.unfinished) logger.warn('an epoch is unfinished; the next run continues it');
  } catch (error) {
    if (error instanceof DeltasMissing) countAny({ DeltasMissing: 1 });
    throw error;
  }
  const { hours } = await ports.state.readState();
  if (hours.covers.floorMs > 0) {
    metrics.addMetric('CompactionLag', MetricUnit.Milliseconds, systemClock.nowMs() - hours.covers.floorMs);
  }
}

export const handler = handlerOf(compactDue);
