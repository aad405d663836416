// Tally itself: the real use cases on the real adapters, fed batch by batch as Lambda would.
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { KinesisStreamEvent } from 'aws-lambda';
import { type AggregatorPorts, aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { CounterTable } from '../../lambdas/aws/counter-table.ts';
import { batchesOf } from '../../lambdas/aws/kinesis-event.ts';
import { headItem } from '../../lambdas/aws/ledger-items.ts';
import { LedgerTable } from '../../lambdas/aws/ledger-table.ts';
import { SqsFailedMessages, SqsRollupQueue } from '../../lambdas/aws/rollup-queue.ts';
import { bucketOfSortKey } from '../../lambdas/counting/counter-item.ts';
import { parseSequenceNumber, parseShardId, shardKey } from '../../lambdas/counting/identifiers.ts';
import { DEFAULT_RETRY_POLICY } from '../../lambdas/counting/retry-policy.ts';
import { type Head, planSegment, type RollupConfig } from '../../lambdas/counting/segment.ts';
import {
  type BucketMinutes,
  DAY_MS,
  HOUR_MS,
  hourStartMs,
  parseBucketName,
} from '../../lambdas/counting/time.ts';
import { writeRollups } from '../../lambdas/writer/write.ts';
import type { Configuration } from '../../lib/configuration.ts';
import { kinesisEvent } from '../../local/event-source-mappings/kinesis-records.ts';
import { assumed } from '../../plan/assumptions.ts';
import { QUEUE_POLLERS } from '../../plan/quotas.ts';
import { TABLES } from './meter.ts';
import { Pollers, type QueueBatch } from './queue.ts';
import { packedRecords, type StreamBatch, singleRecords, streamBatches } from './stream.ts';
import { type Counts, countName, eventsOf, type Load, START_MS } from './workloads.ts';
import type { World } from './worlds.ts';

/** How Tally is run. */
export interface TallyRun {
  readonly load: Load;
  readonly configuration: Configuration;
  readonly perRecord: number;
  /** Pollers of the queue; as many as Lambda starts with, unless given. */
  readonly pollers?: number;
}

/** What a run did besides its units. */
export interface Ran {
  segments: number;
  messages: number;
  messageBytes: number;
  updates: number;
  invocations: number;
}

const always = () => true;
const ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/tally-prod-events';
const nobody = async (): Promise<never> => {
  throw new Error('nothing is rejected, late, lost or delayed here');
};

/** Counts a load. */
export async function runTally(world: World, run: TallyRun): Promise<Ran> {
  const { configuration: c, pollers = QUEUE_POLLERS } = run;
  const ran: Ran = { segments: 0, messages: 0, messageBytes: 0, updates: 0, invocations: 0 };
  let nowMs = START_MS;
  const clock = { nowMs: () => nowMs };
  const ledgerRetentionMs = Number(c.ledgerRetentionDays) * DAY_MS;
  const ledger = new LedgerTable(world.dynamoDb, TABLES.ledger, clock, ledgerRetentionMs);
  const aggregator = {
    ledger,
    log: {
      readRange: nobody,
      readToEnd: nobody as never,
      parentsOf: async () => [],
      lists: async () => true,
    },
    queue: new SqsRollupQueue(world.sqs, world.queueUrl),
    rejected: { keepRejected: nobody },
    windows: new DedupWindows(),
    clock,
    listener: {
      ...SILENT,
      planned: () => {
        ran.segments += 1;
      },
    },
  };
  const writer = {
    counters: new CounterTable(world.dynamoDb, TABLES.counters),
    ledger,
    expired: { keepExpired: nobody },
    failed: new SqsFailedMessages(world.sqs, world.queueUrl, world.queueUrl),
    retryPolicy: { current: async () => DEFAULT_RETRY_POLICY },
    clock,
    random: () => 0.5,
  };
  const write = async ({ atMs, bodies }: QueueBatch) => {
    nowMs = atMs;
    const delivered = bodies.map((body, index) => ({
      messageId: String(index),
      receiptHandle: String(index),
      body,
      receiveCount: 1,
      history: undefined,
    }));
    const settings = { counterRetentionMs: undefined, concurrency: WRITES_AT_ONCE };
    const { retry, report } = await writeRollups(delivered, writer, settings, always);
    if (retry.length > 0) throw new Error(`the writer failed: ${report.failures.join(', ')}`);
    ran.updates += report.updates;
    ran.invocations += 1;
  };
  await ageShards(world, c);
  const queue = new Pollers(c, pollers, world.meter);
  for (const batch of streamBatches(recordsOf(run, world), c)) {
    for (const due of queue.due(batch.atMs)) await write(due);
    nowMs = batch.atMs;
    await aggregateBatch(batch, aggregator, c);
    ran.invocations += 1;
    for (const bodies of await world.received()) {
      ran.messages += bodies.length;
      ran.messageBytes += bodies.reduce((sum, body) => sum + body.length, 0);
      for (const full of queue.take(bodies, batch.atMs)) await write(full);
    }
  }
  for (const due of queue.due(Number.POSITIVE_INFINITY)) await write(due);
  return ran;
}

/** A stream of some months: numbers of segments are long, and the ids that counter items collect with them. */
const SEGMENTS_BEFORE = 2_000_000;

/** Gives every shard a head of an hour ago. That is no part of the run: the meter begins anew. */
async function ageShards(world: World, c: Configuration): Promise<void> {
  const sequenceNumber = parseSequenceNumber('1');
  const arrivalMs = START_MS - HOUR_MS;
  const record = { sequenceNumber, arrivalMs, data: new Uint8Array(), batch: undefined, events: [] };
  const head: Head = {
    ...planSegment(undefined, [record], rollupConfig(c), []),
    segment: SEGMENTS_BEFORE,
    status: 'sent',
  };
  for (let number = 0; number < c.streamShards; number += 1) {
    const shard = shardKey(c.streamGeneration, parseShardId(shardName(number)));
    await world.dynamoDb.send(new PutItemCommand({ TableName: TABLES.ledger, Item: headItem(shard, head) }));
  }
  world.meter.lines.clear();
}

function shardName(number: number): string {
  return `shardId-${String(number).padStart(12, '0')}`;
}

function rollupConfig(c: Configuration): RollupConfig {
  return {
    bucketMinutes: c.bucketMinutes as BucketMinutes,
    dedupWindowMs: c.dedupWindowSeconds * 1000,
    acceptPastMs: Number(c.acceptPastSeconds) * 1000,
    acceptFutureMs: c.acceptFutureSeconds * 1000,
    partBytesMax: assumed('partBytes'),
  };
}

/** As many as the writer's handler has under way. */
const WRITES_AT_ONCE = 32;

function recordsOf({ load, configuration: { streamShards }, perRecord }: TallyRun, { meter }: World) {
  const events = eventsOf(load);
  return perRecord === 1
    ? singleRecords(events, streamShards, meter)
    : packedRecords(events, perRecord, streamShards, meter);
}

/** One invocation of the aggregator, from Lambda's event on. */
async function aggregateBatch(batch: StreamBatch, ports: AggregatorPorts, c: Configuration): Promise<void> {
  const records = batch.records.map((record) => ({ ...record, arrival: record.arrivalMs / 1000 }));
  const settings = {
    generation: c.streamGeneration,
    streamRetentionMs: c.streamRetentionHours * 3_600_000,
    rollup: rollupConfig(c),
  };
  const event = kinesisEvent(ARN, shardName(batch.shard), records) as KinesisStreamEvent;
  for (const [shard, decoded] of batchesOf(event)) {
    const outcome = await aggregate({ shard, records: decoded }, ports, settings, always);
    if (outcome !== 'done') throw new Error('a batch was not finished');
  }
}

/** The counts in the counter table. */
export async function countsIn(world: World): Promise<Counts> {
  const counts = new Map<string, number>();
  for (const item of await world.items(TABLES.counters)) {
    const bucket = bucketOfSortKey(item['sk']?.S ?? '');
    const hourMs = hourStartMs(parseBucketName(bucket) ?? 0);
    for (const [attribute, value] of Object.entries(item)) {
      const minute = /^m(\d\d)$/.exec(attribute)?.[1];
      if (minute === undefined) continue;
      const name = countName(item['pk']?.S ?? '', hourMs + Number(minute) * 60_000);
      counts.set(name, (counts.get(name) ?? 0) + Number(value.N));
    }
  }
  return counts;
}
