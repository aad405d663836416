// An aggregator that stood still for more than a day: what the stream still holds is no loss, and to catch up costs no reads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProvisionedThroughputExceededException } from '@aws-sdk/client-kinesis';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { aggregatedStream } from '../support/aggregated-stream.ts';
import { worldShard } from '../support/store-world.ts';

test('records of new shards that waited for a day are no gap', async () => {
  const { clock, stream, gaps, put, aggregate, received } = aggregatedStream(7 * DAY_MS);
  put('a');
  await aggregate(0, 168);
  stream.split(stream.shard(worldShard(0)));
  for (let number = 0; number < 20; number += 1) put(`b${number}`);
  clock.now += 26 * HOUR_MS;
  await aggregate(1, 168);
  await aggregate(2, 168);
  assert.equal(Number(await received(1)) + Number(await received(2)), 20);
  assert.deepEqual(gaps, []);
});

test('a stack whose aggregator begins after a day has no gap, nor has a parent that never held a record', async () => {
  const { clock, stream, gaps, put, aggregate, received } = aggregatedStream(7 * DAY_MS);
  stream.split(stream.shard(worldShard(0)));
  for (let number = 0; number < 20; number += 1) put(`b${number}`);
  clock.now += 26 * HOUR_MS;
  await aggregate(1, 168);
  assert.ok(Number(await received(1)) > 0);
  assert.deepEqual(gaps, []);
});

test('what a new shard lost under a shorter retention is named: its parent is asked for its last record', async () => {
  const { clock, stream, gaps, put, aggregate } = aggregatedStream(DAY_MS);
  const counted = put('a');
  await aggregate(0, 24);
  clock.now += HOUR_MS;
  stream.split(stream.shard(worldShard(0)));
  for (let number = 0; number < 20; number += 1) put(`trimmed unread ${number}`);
  clock.now += 23.5 * HOUR_MS;
  for (let number = 0; number < 20; number += 1) put(`b${number}`);
  clock.now += HOUR_MS;
  stream.trim();
  await aggregate(1, 168);
  assert.deepEqual(
    gaps.map(({ shard, after }) => [shard, after]),
    [['1.0', counted]],
  );
});

/** A shard with a counted record, five batches of a backlog over a day old, and the reads of an aggregator that refuse at first. */
async function backlog(refusals: number) {
  const limits: (number | undefined)[] = [];
  let left = refusals;
  const world = aggregatedStream(7 * DAY_MS, async (call, perform) => {
    if (call.operation === 'GetRecords') {
      limits.push((call.input as { Limit?: number }).Limit);
      left -= 1;
      if (left >= 0) throw new ProvisionedThroughputExceededException({ message: 'refused', $metadata: {} });
    }
    return perform();
  });
  const { clock, put, aggregate, records } = world;
  put('counted');
  await aggregate(0, 168);
  for (let number = 0; number < 50; number += 1) {
    clock.now += MINUTE_MS;
    put(`b${number}`);
  }
  clock.now += 26 * HOUR_MS;
  const waiting = (await records(0)).slice(1);
  const catchUp = async () => {
    for (let at = 0; at < waiting.length; at += 10) await aggregate(0, 168, waiting.slice(at, at + 10));
  };
  return { ...world, limits, catchUp };
}

test('an aggregator that catches up asks the stream once, for one record', async () => {
  const { limits, gaps, received, catchUp } = await backlog(0);
  await catchUp();
  assert.equal(await received(0), 51);
  assert.deepEqual(limits, [1]);
  assert.deepEqual(gaps, []);
});

test('an aggregator that stands still for longer the next time asks again', async () => {
  const { clock, limits, put, aggregate, catchUp } = await backlog(0);
  await catchUp();
  for (const hours of [0, 25, 72]) {
    clock.now += hours * HOUR_MS;
    put(`after ${hours}`);
    await aggregate(0, 168);
  }
  assert.deepEqual(limits, [1, 1]);
});

test('a look that the stream refuses waits, and the batch is counted', async () => {
  const { limits, pauses, received, catchUp } = await backlog(5);
  await catchUp();
  assert.equal(await received(0), 51);
  assert.equal(limits.length, 6);
  assert.equal(pauses.length, 5);
});
