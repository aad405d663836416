// Small segments have one delta for all hashes. An epoch of many of them must not be in memory all at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EpochRows } from '../../lambdas/compactor/epoch-rows.ts';
import { rangesOf, WHOLE_RANGE } from '../../lambdas/core/hash-range.ts';
import { type SegmentId, shardKey } from '../../lambdas/core/identifiers.ts';
import { encodeRows } from '../../lambdas/core/rows.ts';
import type { DeltaReader } from '../../lambdas/store/ports.ts';
import { collectGarbage } from '../support/garbage.ts';
import { worldShard } from '../support/store-world.ts';

test('a hash range of an epoch takes at most 125 MB, also where every segment has one delta for all hashes', async () => {
  const entities = Array.from({ length: 200 }, (_, index) => `/user/${String(index).padStart(4, '0')}`);
  const rows = encodeRows(
    entities.map((entity) => ({
      metric: 'view',
      entity,
      hour: 498_000,
      events: 1,
      cells: new Map([[5, 1n]]),
    })),
  );
  // A twentieth of what an epoch takes at most with 16 slots: 500,000 events for each.
  const DELTAS = 2_000;
  const shard = shardKey('1', worldShard(0));
  const store: DeltaReader = {
    async *deltasIn(range) {
      for (let segment = 1; segment <= DELTAS; segment += 1)
        yield {
          segment: `1.0.${segment}` as SegmentId,
          part: 0,
          range,
          runMaxMs: segment,
          events: 200,
          rows,
        };
    },
  };
  const segments = {
    wanted: (of: string) => of === shard,
    expected: new Map([[WHOLE_RANGE, { deltas: DELTAS, events: DELTAS * 200 }]]),
    stretches: [{ fromMs: 1, toMs: DELTAS }],
  };
  const epoch = new EpochRows(segments, store, []);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  let [events, most] = [0, 0];
  for (const range of rangesOf(4)) {
    for await (const some of epoch.rowsIn(range)) for (const row of some) events += row.events;
    if (range > '0001') continue;
    collectGarbage();
    most = Math.max(most, process.memoryUsage().heapUsed - before);
  }
  assert.equal(events, DELTAS * 200);
  assert.ok(most < 125e6, `${Math.round(most / 1e6)} MB for ${DELTAS * 200} events`);
});
