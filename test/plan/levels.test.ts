// The compactor's own pages against the plan's: how many segments are in one decides how often a counter is recomputed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CompactorPorts,
  type CompactorSettings,
  emptyReport,
} from '../../lambdas/compactor/compaction.ts';
import { takePage } from '../../lambdas/compactor/take-page.ts';
import { START_CURSOR } from '../../lambdas/counting/level-cursor.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { encodeTouched } from '../../lambdas/counting/touched-counters.ts';
import { assumed } from '../../plan/assumptions.ts';
import { segmentsInPage } from '../../plan/levels.ts';
import { entry } from '../support/entries.ts';
import { SHARD_KEY } from '../support/records.ts';

const SEGMENTS = 2_000;

/** How many segments of one shard the compactor takes, when each touches so many counters. */
async function taken(touchedEach: number, shards: number): Promise<number> {
  const rows = Array.from({ length: touchedEach }, (_, index) => ({
    bucket: '2026-11-22T05',
    metric: 'view',
    entity: `/${index}`,
  }));
  const chunks = encodeTouched(rows);
  const report = emptyReport();
  const settings = { intervalsMs: { days: HOUR_MS, months: 24 * HOUR_MS }, settleMs: 0, patienceMs: 0 };
  const ports = {
    ledger: {
      readHead: async () => ({ segment: SEGMENTS, status: 'sent', runMaxMs: HOUR_MS }),
      readEntries: async () => [],
      async *entriesUp() {
        for (let segment = 1; segment <= SEGMENTS; segment += 1)
          yield entry(segment, [1], { acked: new Set([0]) });
      },
    },
    progress: { readCursor: async () => START_CURSOR, readTouched: async () => chunks },
    clock: { nowMs: () => 10 * HOUR_MS },
  };
  const hoursMax = Math.ceil(assumed('compactorPage') / shards);
  await takePage(
    'days',
    SHARD_KEY,
    hoursMax,
    ports as unknown as CompactorPorts,
    settings as CompactorSettings,
    report,
  );
  return report.segments;
}

test('a page has as many segments of a shard as the plan says', async () => {
  for (const [touchedEach, shards] of [
    [40, 1],
    [3_880, 2],
    [3_880, 167],
    [300, 10],
    [60, 167],
  ] as const) {
    assert.equal(
      await taken(touchedEach, shards),
      segmentsInPage(touchedEach, shards),
      `${touchedEach}, ${shards}`,
    );
  }
});
