// What the benchmark of the writer is measured with: rollup messages as Lambda hands them over, and what they must come to.
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { noAccounts } from '../../lambdas/counting/accounts.ts';
import {
  AFTER_ALL,
  parseShardId,
  type SegmentId,
  type ShardKey,
  segmentId,
  shardKey,
} from '../../lambdas/counting/identifiers.ts';
import { encodeParts, type RollupRow } from '../../lambdas/counting/rollup-message.ts';
import type { SegmentEntry } from '../../lambdas/counting/segment-entry.ts';

/** How much there is to write: every segment has one message, with a row for each of the same counters. */
export interface LoadSize {
  readonly segments: number;
  readonly counters: number;
  readonly eventsPerRow: number;
}

/** Messages, and the entries of their segments. */
export interface WriterLoad {
  readonly name: number;
  readonly size: LoadSize;
  readonly records: readonly SQSRecord[];
  readonly entries: ReadonlyMap<SegmentId, { readonly shard: ShardKey; readonly entry: SegmentEntry }>;
  readonly events: number;
}

const BUCKET = '2026-11-22T05';
/** Segments come from several shards, some minutes of an hour. */
const SHARDS = 10;
const MINUTES = 4;
/** As high as a shard has come after some months, so that ids are as long as they are. */
const FIRST_SEGMENT = 2_100_000;
const SEGMENTS_MAX = 10_000;
const DIGEST = '0'.repeat(64);
const ARRIVAL_MS = Date.UTC(2026, 10, 22, 5, 7, 30);
const CONFIG = {
  bucketMinutes: 60,
  dedupWindowMs: 600_000,
  acceptPastMs: undefined,
  acceptFutureMs: 600_000,
  partBytesMax: 1_000_000,
} as const;

/** A load. @param name of what nobody else has: loads of different names have no counter and no segment in common */
export function loadOf(name: number, size: LoadSize): WriterLoad {
  const { segments, counters, eventsPerRow } = size;
  const records: SQSRecord[] = [];
  const entries = new Map<SegmentId, { shard: ShardKey; entry: SegmentEntry }>();
  for (let index = 0; index < segments; index += 1) {
    const shard = shardKey('1', parseShardId(`shardId-${String(index % SHARDS).padStart(12, '0')}`));
    const number = FIRST_SEGMENT + name * SEGMENTS_MAX + index;
    const id = segmentId(shard, number);
    const minute = Math.floor((index * MINUTES) / segments);
    const rows = Array.from({ length: counters }, (_, counter): RollupRow => {
      const entity = `/videos/${name}/${String(counter).padStart(9, '0')}`;
      return {
        bucket: BUCKET,
        metric: 'pageview',
        entity,
        events: eventsPerRow,
        minutes: { [minute]: eventsPerRow },
      };
    });
    const parts = encodeParts(id, rows, CONFIG);
    if (parts.length !== 1) throw new Error(`${counters} rows do not fit one message`);
    for (const { message } of parts) records.push(recordOf(id, message.body));
    entries.set(id, { shard, entry: entryOf(number, counters * eventsPerRow) });
  }
  return { name, size, records, entries, events: segments * counters * eventsPerRow };
}

/** A load's messages as Lambda delivers them, so many at once. Every delivery has events of its own. */
export function deliveries({ records }: WriterLoad, messagesEach: number): SQSEvent[] {
  const events: SQSEvent[] = [];
  for (let at = 0; at < records.length; at += messagesEach) {
    events.push({ Records: records.slice(at, at + messagesEach) });
  }
  return events;
}

function recordOf(id: SegmentId, body: string): SQSRecord {
  return {
    messageId: id,
    receiptHandle: id,
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(ARRIVAL_MS),
      SenderId: 'bench',
      ApproximateFirstReceiveTimestamp: String(ARRIVAL_MS),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:rollup',
    awsRegion: 'us-east-1',
  };
}

/** A segment's entry, as large as one is. */
function entryOf(segment: number, events: number): SegmentEntry {
  return {
    ...{ segment, first: AFTER_ALL, last: AFTER_ALL, records: events, config: CONFIG, version: 1 },
    ...{
      lost: false,
      parts: [{ events }],
      digest: DIGEST,
      raw: DIGEST,
      idBytes: 8 * events,
      touchedChunks: 1,
    },
    ...{ minArrivalMs: ARRIVAL_MS, runMaxBeforeMs: ARRIVAL_MS, runMaxMs: ARRIVAL_MS + 10_000 },
    accounts: { ...noAccounts(), received: events, emitted: events },
    buckets: { earliestMs: ARRIVAL_MS, latestMs: ARRIVAL_MS },
    ...{ acked: new Set(), dead: new Set(), parked: new Set(), discarded: new Set(), expired: {} },
  };
}
