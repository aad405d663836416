// The ways in which a batch is counted: the floor, Powertools' batch processor, the pure core, and the whole handler.
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { parser } from '@aws-lambda-powertools/batch/parser';
import { Base64Encoded } from '@aws-lambda-powertools/parser/helpers';
import {
  KinesisDataStreamRecord,
  KinesisDataStreamRecordPayload,
} from '@aws-lambda-powertools/parser/schemas/kinesis';
import type { Context, KinesisStreamEvent, KinesisStreamRecord } from 'aws-lambda';
import { z } from 'zod';
import { batchesOf } from '../../lambdas/aws/kinesis-event.ts';
import { ShardWindow } from '../../lambdas/counting/dedup-window.ts';
import { parseShardId, segmentId, shardKey } from '../../lambdas/counting/identifiers.ts';
import { rollUp } from '../../lambdas/counting/rollup.ts';
import { decodeRollupMessage } from '../../lambdas/counting/rollup-message.ts';
import type { StreamRecord } from '../../lambdas/counting/segment.ts';
import { bucketStartMs, hourStartMs, MINUTE_MS, parseBucketName } from '../../lambdas/counting/time.ts';
import { type Counts, countKey, type LoadedBatch, SHARD } from './load.ts';
import type { AnsweredServices } from './services.ts';
import { type FullWindow, rollupConfig } from './window.ts';

/** One way of counting. */
export interface Path {
  readonly name: string;
  /** Handles a batch: what is measured. @returns what it found, for `check` */
  run(batch: LoadedBatch): unknown;
  /** @throws Error when a batch was not counted as it should have been */
  check(batch: LoadedBatch, found: unknown): void;
}

/** What Lambda gives a handler besides the event. */
export const CONTEXT = {
  awsRequestId: 'a-request',
  functionName: 'aggregator',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:aggregator',
  memoryLimitInMB: '512',
  getRemainingTimeInMillis: () => 60_000,
} as Context;

const sum = (counts: Counts) => [...counts.values()].reduce((all, n) => all + n, 0);

/** Base64 and JSON of every record, and nothing else. */
export const floor: Path = {
  name: 'floor',
  run({ event: { Records } }) {
    let events = 0;
    for (const { kinesis } of Records) {
      const value = JSON.parse(Buffer.from(kinesis.data, 'base64').toString('utf8'));
      events += Array.isArray(value) ? value.length : 1;
    }
    return events;
  },
  check({ counts }, found) {
    if (found !== sum(counts)) throw new Error(`the floor saw ${found} events of ${sum(counts)}`);
  },
};

const zEvent = z.strictObject({
  id: z.string().min(1).max(128).optional(),
  metric: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/),
  entity: z.string().min(1).max(512),
  at: z.union([z.iso.datetime({ offset: true }), z.int()]).optional(),
  n: z.int().default(1),
});
const zRecord = KinesisDataStreamRecord.extend({
  kinesis: KinesisDataStreamRecordPayload.extend({
    data: Base64Encoded(z.union([zEvent, z.array(zEvent)])),
  }),
});

/** Powertools' batch processor with its parser and one schema, made once, around a Map. Duplicates are counted. */
export function powertools(): Path {
  const processor = new BatchProcessor(EventType.KinesisDataStreams, { parser, schema: zRecord });
  return {
    name: 'Powertools',
    async run({ event }) {
      const counts = new Map<string, number>();
      const countRecord = async ({ kinesis }: KinesisStreamRecord) => {
        const { data, approximateArrivalTimestamp } = kinesis as unknown as z.infer<
          typeof zRecord
        >['kinesis'];
        for (const { metric, entity, at, n } of Array.isArray(data) ? data : [data]) {
          const atMs = at === undefined ? approximateArrivalTimestamp * 1000 : new Date(at).getTime();
          const key = countKey(metric, entity, atMs);
          counts.set(key, (counts.get(key) ?? 0) + n);
        }
      };
      await processPartialResponse(event, countRecord, processor, { context: CONTEXT });
      return counts;
    },
    check: ({ counts }, found) => mustEqual('Powertools', counts, found as Counts),
  };
}

/** What the core's path gives: the segment, so that its parts can be measured one by one. */
export interface CoreResult {
  readonly records: readonly StreamRecord[];
  readonly output: ReturnType<typeof rollUp>;
}

/** Decoding, dedup window and rollup as `commit` calls them, without a service. */
export function core({ windowMs, segments }: FullWindow): Path & { readonly window: ShardWindow } {
  const config = rollupConfig(windowMs);
  const shard = parseShardId(SHARD);
  const window = new ShardWindow();
  for (const [index, { ids, runMaxMs }] of segments.entries()) window.add(index + 1, runMaxMs, ids);
  let last = segments.length;
  return {
    name: 'core',
    window,
    run({ event, firstArrivalMs, lastArrivalMs }): CoreResult {
      const records = batchesOf(event).get(shard) ?? [];
      last += 1;
      const view = window.since(firstArrivalMs - windowMs);
      const output = rollUp(segmentId(shardKey('1', shard), last), records, view, config);
      window.add(last, lastArrivalMs, output.ids);
      return { records, output };
    },
    check({ dedupedCounts, duplicates }, found) {
      const { accounts, parts } = (found as CoreResult).output;
      if (accounts.duplicate !== duplicates)
        throw new Error(`the core dropped ${accounts.duplicate} events for ${duplicates} duplicates`);
      mustEqual('the core', dedupedCounts, countsOf(parts.map(({ message }) => message.body)));
    },
  };
}

/** The function as Lambda calls it, with its middleware, on the SDK's clients. */
export async function handler(services: AnsweredServices, { windowMs }: FullWindow): Promise<Path> {
  Object.assign(process.env, {
    ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    ...{ STAGE: 'bench', POWERTOOLS_SERVICE_NAME: 'aggregator', POWERTOOLS_METRICS_NAMESPACE: 'Tally' },
    ...{
      POWERTOOLS_LOG_LEVEL: 'INFO',
      LEDGER_TABLE: 'ledger',
      STREAM_NAME: 'events',
      STREAM_GENERATION: '1',
      STREAM_GENERATION_FROM: 'heads',
      DEDUP_IDS_MAX: '8000000',
    },
    ...{ ARCHIVE_BUCKET: 'archive', ARCHIVE_RAW_EVENTS: 'false', LEDGER_RETENTION_SECONDS: '2592000' },
    ...{ ROLLUP_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/rollups', BUCKET_MINUTES: '60' },
    ...{ DEDUP_WINDOW_SECONDS: String(windowMs / 1000), ACCEPT_PAST_SECONDS: 'forever' },
    // The load has a clock of its own, and must not be taken for records that the stream may have trimmed.
    ...{ ACCEPT_FUTURE_SECONDS: '600', STREAM_RETENTION_HOURS: '8760' },
  });
  type Handler = (event: KinesisStreamEvent, context: Context) => Promise<{ batchItemFailures: unknown[] }>;
  const { handler: handle } = (await import('../../lambdas/aggregator/handler.ts')) as unknown as {
    handler: Handler;
  };
  return {
    name: 'handler',
    run: async ({ event }) => ({ answer: await handle(event, CONTEXT), bodies: services.takeBodies() }),
    check({ dedupedCounts }, found) {
      const { answer, bodies } = found as { answer: Awaited<ReturnType<Handler>>; bodies: string[] };
      if (answer.batchItemFailures.length > 0) throw new Error('the handler did not finish a batch');
      mustEqual('the handler', dedupedCounts, countsOf(bodies));
    },
  };
}

/** What rollup messages say, minute by minute. */
function countsOf(bodies: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const { rows } of bodies.map(decodeRollupMessage)) {
    for (const { bucket, metric, entity, minutes } of rows) {
      const hourMs = hourStartMs(bucketStartMs(parseBucketName(bucket) ?? Number.NaN, 60));
      for (const [minute, n] of Object.entries(minutes)) {
        const key = countKey(metric, entity, hourMs + Number(minute) * MINUTE_MS);
        counts.set(key, (counts.get(key) ?? 0) + n);
      }
    }
  }
  return counts;
}

function mustEqual(who: string, expected: Counts, found: Counts): void {
  const isEqual = found.size === expected.size && [...expected].every(([key, n]) => found.get(key) === n);
  if (!isEqual)
    throw new Error(
      `${who} counted ${sum(found)} in ${found.size} minutes for ${sum(expected)} in ${expected.size}`,
    );
}
