// The aggregator Lambda: a batch of one Kinesis shard in, rollup messages out.
import type { Context, KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { sqs } from '../aws/clients/sqs.ts';
import {
  flag,
  generationStartIn,
  secondsAsMs,
  secondsOrForeverAsMs,
  text,
  wholeNumber,
} from '../aws/environment.ts';
import { lazily } from '../aws/lazily.ts';
import { SqsRollupQueue } from '../aws/rollup-queue.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { rejectedEvents } from '../core/accounts.ts';
import { HOUR_MS } from '../core/time.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { CompactionStateTable } from '../store/state-table.ts';
import { type AggregatorPorts, type AggregatorSettings, aggregate } from './aggregate.ts';
import { batchesOf } from './kinesis-event.aws.ts';
import type { SegmentListener } from './segment-listener.ts';
import { DedupWindows } from './windows.ts';

const { env } = process;
const { logger, count, countAny, countNow, handlerOf } = telemetry(env);

/** Maximum time for a segment; with less time left, the next invocation starts it. */
const SEGMENT_RESERVE_MS = 15_000;

const settings: AggregatorSettings = {
  generation: text(env, 'STREAM_GENERATION'),
  generationFrom: generationStartIn(env),
  streamRetentionMs: wholeNumber(env, 'STREAM_RETENTION_HOURS') * HOUR_MS,
  rollup: {
    slotBits: Math.log2(wholeNumber(env, 'HASH_SLOTS')),
    dedupWindowMs: secondsAsMs(env, 'DEDUP_WINDOW_SECONDS'),
    acceptPastMs: secondsOrForeverAsMs(env, 'ACCEPT_PAST_SECONDS'),
    acceptFutureMs: secondsAsMs(env, 'ACCEPT_FUTURE_SECONDS'),
  },
};

const listener: SegmentListener = {
  planned: () => {},
  recovered: () => logger.warn('a segment that was planned earlier is finished'),
  committed: ({ accounts }) => {
    count({ EventsReceived: accounts.received });
    countAny({ EventsDuplicate: accounts.duplicate, EventsRejected: rejectedEvents(accounts) });
    if (Object.keys(accounts.rejected).length > 0)
      logger.warn('events were rejected', { ...accounts.rejected });
  },
  lost: (segment, { first, last, records }) => {
    // Before the ledger notes the loss, after which no attempt sees it again.
    countNow('RecordsLost', records);
    logger.error('the stream trimmed a planned segment: it is lost', { segment, first, last, records });
  },
  gap: (shard, { after, before }) => {
    // Before the plan of the records after it, from which on no attempt sees it again.
    countNow('RecordsLost', 1);
    logger.error('records may have been trimmed before they were read', { shard, after, before });
  },
};

const ledgerRetentionMs = secondsOrForeverAsMs(env, 'LEDGER_RETENTION_SECONDS');
const dynamoDbClient = dynamoDb();
const ledgerTable = text(env, 'LEDGER_TABLE');
const bucket = text(env, 'ARCHIVE_BUCKET');
const stream = text(env, 'STREAM_NAME');
/** Opened only when an event is rejected. */
const archive = lazily(async () => (await import('../aws/archive.ts')).openArchive(bucket));
const rawArchive = lazily(async () => (await import('../aws/raw-archive.ts')).openRawArchive(bucket));
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
/** Opened only when a shard is new, a segment was left unfinished, or a shard's last known record is over a day old. */
const log = lazily(async () => (await import('../aws/stream-log.ts')).openStreamLog(stream, pause));
const ports: AggregatorPorts = {
  ledger: new LedgerTable(dynamoDbClient, ledgerTable, systemClock, ledgerRetentionMs),
  log: {
    readRange: async (...range) => (await log()).readRange(...range),
    holds: async (...asked) => (await log()).holds(...asked),
    readToEnd: async function* (...from) {
      yield* (await log()).readToEnd(...from);
    },
    parentsOf: async (shard) => (await log()).parentsOf(shard),
    lists: async (shard) => (await log()).lists(shard),
  },
  queue: new SqsRollupQueue(sqs(), text(env, 'ROLLUP_QUEUE_URL')),
  rejected: { keepRejected: async (...kept) => (await archive()).keepRejected(...kept) },
  raw: flag(env, 'ARCHIVE_RAW_EVENTS')
    ? { keepRaw: async (raw) => (await rawArchive()).keepRaw(raw) }
    : undefined,
  ranges: new CompactionStateTable(dynamoDbClient, ledgerTable),
  windows: new DedupWindows(wholeNumber(env, 'DEDUP_IDS_MAX')),
  clock: systemClock,
  listener,
};

async function aggregateEvent(
  event: KinesisStreamEvent,
  context: Context,
): Promise<KinesisStreamBatchResponse> {
  const batchItemFailures = [];
  for (const [shard, records] of batchesOf(event)) {
    const hasTime = timeLeft(context, SEGMENT_RESERVE_MS);
    const outcome = await aggregate({ shard, records }, ports, settings, hasTime);
    if (outcome !== 'done') batchItemFailures.push({ itemIdentifier: outcome.resumeAt });
  }
  return { batchItemFailures };
}

export const handler = handlerOf(aggregateEvent);
