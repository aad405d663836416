// The bill: what documents already say comes out of the same table, and more of anything never costs less.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { configurationOf } from '../../lib/configuration.ts';
import { customMetrics } from '../../lib/metrics.ts';
import {
  billOf,
  carryingRequests,
  MONTH_SECONDS,
  onDemandStreamUsd,
  sqsRequestsPerSecond,
  totalUsd,
  WATCHED,
} from '../../plan/bill.ts';
import { modelOf } from '../../plan/model.ts';
import { PRICES, usd } from '../../plan/prices.ts';
import { ranksOf, USUAL_WORKLOAD, type Workload } from '../../plan/workload.ts';

const model = (w: Workload, settings = {}) => modelOf(w, ranksOf(w), configurationOf('prod', settings));
const total = (w: Workload, settings = {}) => totalUsd(billOf(model(w, settings)));

test("README's figures for a million events: on-demand stream, a fifth of them counter items", () => {
  const perMillion = (eventsPerRequest: number, eventsPerRecord: number) =>
    usd(PRICES.gatewayRequests, 1e6 / eventsPerRequest) +
    onDemandStreamUsd({ ...USUAL_WORKLOAD, eventsPerRecord }, 1e6) +
    usd(PRICES.writeUnits, 200_000);
  assert.equal(Math.abs(perMillion(1, 1) - 3.75) < 0.02, true, `${perMillion(1, 1)}`);
  assert.equal(Math.abs(perMillion(100, 1) - 0.28) < 0.01, true, `${perMillion(100, 1)}`);
  assert.equal(Math.abs(perMillion(100, 50) - 0.2) < 0.02, true, `${perMillion(100, 50)}`);
});

test('what is watched is what the template has', () => {
  const { metrics, alarms, composites, dashboards } = WATCHED;
  assert.equal(metrics, customMetrics().length);
  const snapshot = new URL('../lib/snapshots/Tally-prod.template.json', import.meta.url);
  const { Resources } = JSON.parse(readFileSync(snapshot, 'utf8')) as {
    Resources: Record<string, { Type: string }>;
  };
  const count = (type: string) =>
    Object.values(Resources).filter(({ Type }) => Type === `AWS::CloudWatch::${type}`).length;
  assert.deepEqual(
    [count('Alarm'), count('CompositeAlarm'), count('Dashboard')],
    [alarms, composites, dashboards],
  );
});

test('puts of raw records cost what decision 15 says: a segment in 5 seconds, $2.6 a month and shard', () => {
  const w: Workload = { ...USUAL_WORKLOAD, eventsPerSecond: 500 };
  const settings = { streamShards: 1, archiveRawEvents: true };
  const bill = billOf(modelOf(w, ranksOf(w), configurationOf('prod', settings)));
  const puts = bill.find(({ service }) => service === 'S3');
  assert.ok(Math.abs((puts?.usd ?? 0) - 2.6) < 0.05, `${puts?.usd}`);
});

test('remembering ids costs 0.008 write units an event, as the architecture says', () => {
  const w: Workload = { ...USUAL_WORKLOAD, eventsPerSecond: 1_000 };
  const { mean } = modelOf(w, ranksOf(w), configurationOf('prod', { aggregatorWindowSeconds: 10 }));
  const each = mean.ledger.idWriteUnitsPerSecond / 1_000;
  assert.ok(each >= 0.0078 && each <= 0.0085, `${each}`);
});

test('a million counters that each have an event every hour: what decision 12 says of the least there is to recompute', () => {
  const w: Workload = { ...USUAL_WORKLOAD, eventsPerSecond: 100_000, entities: 1_000_000, skew: 0 };
  const { mean } = modelOf(w, ranksOf(w), configurationOf('prod', { streamShards: 167, bucketMinutes: 2 }));
  assert.ok(Math.abs(mean.levels.leastItemsAnHour * 24 - 26e6) < 1e4, `${mean.levels.leastItemsAnHour * 24}`);
});

test('SQS: sent by tens, received by pollers that share each ten, billed by 64 KB', () => {
  const near = (made: number, wanted: number) =>
    assert.ok(Math.abs(made - wanted) < 1e-9, `${made}, not ${wanted}`);
  near(carryingRequests(1, 2_000), 1 + 1);
  // A message fills a unit nearly: who gets several pays for each.
  near(carryingRequests(10, 60_000), 10 + 10);
  near(carryingRequests(11, 60_000), 11 + 11);
  // Two small ones are sent in one unit, and received in one by every fifth chance.
  near(carryingRequests(2, 2_000), 1 + 2 - 1 / 5);
});

test('SQS: a writer deletes its batch by tens', () => {
  const w: Workload = { ...USUAL_WORKLOAD, eventsPerSecond: 10, entities: 1, skew: 0 };
  const settings = {
    streamShards: 1,
    aggregatorWindowSeconds: 10,
    writerWindowSeconds: 1,
    freshnessAlarmSeconds: 60,
  };
  const { mean } = modelOf(w, ranksOf(w), configurationOf('prod', settings));
  // Sent, received, and deleted; now and then with another one.
  const each = sqsRequestsPerSecond(mean) / mean.segments.perSecond;
  assert.ok(each > 2.95 && each < 3, `${each}`);
});

test('steps of a price are paid each for itself', () => {
  assert.equal(usd(PRICES.gatewayRequests, 333e6), 333 * 3.5);
  assert.equal(usd(PRICES.gatewayRequests, 400e6), 333 * 3.5 + 67 * 2.8);
  assert.equal(usd(PRICES.gatewayRequests, 0), 0);
});

test('more events cost more; among more counters fewer rows meet in an update', () => {
  const load = fc.record({
    eventsPerSecond: fc.double({ min: 0.1, max: 500, noNaN: true }),
    entities: fc.integer({ min: 1, max: 1e7 }),
    skew: fc.double({ min: 0, max: 2, noNaN: true }),
  });
  fc.assert(
    fc.property(load, fc.double({ min: 1.01, max: 100, noNaN: true }), (change, factor) => {
      const w: Workload = { ...USUAL_WORKLOAD, ...change };
      const settings = { streamShards: 60, bucketMinutes: 5 };
      const before = total(w, settings);
      const more = total({ ...w, eventsPerSecond: w.eventsPerSecond * factor }, settings);
      assert.ok(more >= before, `${more} for ${factor} × the events, ${before} before`);
      // Not the bill: many small items may take fewer write units than few large ones.
      const [few, many] = [w.entities, w.entities * 10].map(
        (counters) => model({ ...w, entities: counters }, settings).mean.counters.updatesPerSecond,
      ) as [number, number];
      assert.ok(many >= few * (1 - 1e-9), `${many} updates/s for ten times the counters, ${few} before`);
    }),
    { numRuns: 60 },
  );
});

test('every month has the same length everywhere', () => {
  assert.equal(MONTH_SECONDS, 2_628_000);
});
