// Batches of which every event is rejected, such as last year's log: the aggregator keeps each record's bytes once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KinesisStreamEvent } from 'aws-lambda';
import { batchesOf } from '../../lambdas/aggregator/kinesis-event.aws.ts';
import { parseShardId } from '../../lambdas/core/identifiers.ts';
import { rollUp } from '../../lambdas/core/rollup.ts';
import { DAY_MS } from '../../lambdas/core/time.ts';
import { ARRIVAL_MS, CONFIG } from '../support/records.ts';

/** The front door's limit for a request. */
const EVENTS = 500;
/** A segment takes 80 such records; ten times fewer are enough to see it. */
const RECORDS = 8;
const SEGMENT_RECORDS = 80;
/** `aggregatorMemoryMb`, by default. */
const MEMORY_MB = 1024;

test('a segment of batches with old events fits into the memory of the aggregator', () => {
  const at = new Date(ARRIVAL_MS - 365 * DAY_MS).toISOString();
  const batch = (key: number) =>
    JSON.stringify([
      1,
      `log-${key}`,
      Array.from({ length: EVENTS }, (_, i) => ({
        metric: 'view',
        entity: `/blog/${key}/${i}/a-title`,
        at,
        n: 1,
      })),
    ]);
  const Records = Array.from({ length: RECORDS }, (_, index) => ({
    eventID: `shardId-000000000000:${1000 + index}`,
    kinesis: {
      sequenceNumber: String(1000 + index),
      approximateArrivalTimestamp: ARRIVAL_MS / 1000,
      data: Buffer.from(batch(index)).toString('base64'),
    },
  }));
  const batches = batchesOf({ Records } as unknown as KinesisStreamEvent);
  const records = batches.get(parseShardId('shardId-000000000000')) ?? [];
  const before = process.memoryUsage().arrayBuffers;
  const { rejected } = rollUp(records, { seen: () => false }, { ...CONFIG, acceptPastMs: 7 * DAY_MS });
  const grownMb = (process.memoryUsage().arrayBuffers - before) / 1e6;
  assert.equal(rejected.length, RECORDS * EVENTS);
  const wholeMb = Math.round((grownMb * SEGMENT_RECORDS) / RECORDS);
  const sentMb = Records.reduce((sum, { kinesis }) => sum + kinesis.data.length, 0) / 1e6;
  assert.ok(
    wholeMb < MEMORY_MB / 2,
    `${sentMb.toFixed(1)} MB of records take ${grownMb.toFixed(0)} MB; a segment takes ${wholeMb} MB, and the function has ${MEMORY_MB}`,
  );
});
