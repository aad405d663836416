// An aggregator that stood still for more than a day: what the stream still holds is no loss.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
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
