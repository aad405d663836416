// The bill of a load: what is stored costs its storage, and its point-in-time recovery.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { billOf } from '../../plan/bill.ts';
import { sample } from '../../plan/sample.ts';
import { USUAL_WORKLOAD } from '../../plan/workload.ts';

test('a stored GB costs $0.25 a month, and $0.20 for point-in-time recovery', () => {
  const sampled = {
    writeUnits: { deltas: 0.01 },
    readUnits: 0,
    sqsRequests: 0,
    putUnits: 0,
    shards: 1,
    hashSlots: 16,
    segmentsPerSecond: 0.2,
    uncompactedBytes: 0,
  };
  const events = USUAL_WORKLOAD.eventsPerSecond * 730 * 3_600;
  const written = (0.01 * events * 0.625) / 1e6;
  const storedGb = (0.01 * events * 1024) / 1024 ** 3;
  const { DynamoDB = 0 } = billOf(USUAL_WORKLOAD, sampled);
  assert.ok(Math.abs(DynamoDB - written - 0.45 * storedGb) < 1e-9, `$${DynamoDB}`);
});

test('a batch is one request and one record, as large as its events', async () => {
  const load = {
    ...USUAL_WORKLOAD,
    eventsPerSecond: 1,
    entities: 10,
    eventsPerRecord: 10,
    eventBytes: 5_120,
  };
  const sampled = await sample(load, 1_000);
  assert.equal(sampled.putUnits, 2 / 10);
  const requests = (load.eventsPerSecond * 730 * 3_600) / 10;
  assert.equal(billOf(load, sampled)['API Gateway'], (requests * 3.5) / 1e6);
});

test('few entities with many events are sampled by some of their events', async () => {
  const load = { ...USUAL_WORKLOAD, eventsPerSecond: 1, entities: 20, skew: 0 };
  const hours = async (eventsPerSecond: number, events: number) =>
    (await sample({ ...load, eventsPerSecond }, events)).writeUnits['blocks of hours'] ?? 0;
  const all = await hours(1, 3_600);
  assert.ok(Math.abs((await hours(1, 900)) / all - 1) < 0.2);
  assert.ok(Math.abs((await hours(20_000, 900)) / (all / 20_000) - 1) < 0.2);
});

test('a long window of a busy shard ends when its batch is full', async () => {
  const load = { ...USUAL_WORKLOAD, eventsPerSecond: 10, peakFactor: 1, entities: 10, eventBytes: 100_000 };
  const [full, longer] = await Promise.all(
    [7, 300].map((windowSeconds) => sample({ ...load, windowSeconds }, 1_000)),
  );
  assert.equal(longer?.segmentsPerSecond, full?.segmentsPerSecond);
});
