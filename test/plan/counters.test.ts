// Updates of counter items: what meets in a writer's batch, and where that ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { configurationOf } from '../../lib/configuration.ts';
import { countersOf } from '../../plan/counters.ts';
import { segmentsOf } from '../../plan/segments.ts';
import { ranksOf, USUAL_WORKLOAD, type Workload } from '../../plan/workload.ts';

const SETTINGS = { streamShards: 60, bucketMinutes: 5, aggregatorWindowSeconds: 5 };

test('an update takes at most 50 segments, so a batch that has more of a counter makes several', () => {
  const w: Workload = { ...USUAL_WORKLOAD, eventsPerSecond: 20_000, entities: 1, skew: 0 };
  const settings = configurationOf('prod', {
    ...SETTINGS,
    writerBatchSize: 1_000,
    writerWindowSeconds: 60,
    freshnessAlarmSeconds: 90,
  });
  const ranks = ranksOf(w);
  const segments = { ...segmentsOf(w, ranks, settings, 20_000), buckets: 1 };
  const { segmentsMet, updatesEach } = countersOf(w, ranks, segments, settings, 20_000);
  assert.ok(segmentsMet > 100, `${segmentsMet}`);
  assert.ok(
    Math.abs(updatesEach - segmentsMet / 50) < 1e-6,
    `${updatesEach} updates of ${segmentsMet} segments`,
  );
});

test('there are never more updates than rows, nor fewer than a writer needs; a longer window makes no more of them', () => {
  const load = fc.record({
    eventsPerSecond: fc.double({ min: 1, max: 40_000, noNaN: true }),
    entities: fc.integer({ min: 1, max: 1e7 }),
    skew: fc.double({ min: 0, max: 2, noNaN: true }),
  });
  fc.assert(
    fc.property(load, fc.integer({ min: 1, max: 29 }), (change, writerWindowSeconds) => {
      const w: Workload = { ...USUAL_WORKLOAD, ...change };
      const ranks = ranksOf(w);
      const of = (seconds: number) => {
        const settings = { ...configurationOf('prod', SETTINGS), writerWindowSeconds: seconds };
        const segments = segmentsOf(w, ranks, settings, w.eventsPerSecond);
        return { segments, counters: countersOf(w, ranks, segments, settings, w.eventsPerSecond) };
      };
      const { segments, counters } = of(writerWindowSeconds);
      assert.ok(counters.updatesPerSecond <= segments.perSecond * segments.rowsEach * (1 + 1e-9));
      assert.ok(counters.writeUnitsPerSecond >= counters.updatesPerSecond * (1 - 1e-9));
      const longer = of(writerWindowSeconds + 1).counters;
      assert.ok(longer.updatesPerSecond <= counters.updatesPerSecond * (1 + 1e-9));
    }),
    { numRuns: 60 },
  );
});
