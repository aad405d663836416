// The plan's write units against those that DynamoDB's emulator reports for the adapters' own writes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CounterTable } from '../../lambdas/aws/counter-table.ts';
import { LedgerTable } from '../../lambdas/aws/ledger-table.ts';
import { counterKey, counterUpdate } from '../../lambdas/counting/counter-item.ts';
import { parseShardId, segmentId, shardKey } from '../../lambdas/counting/identifiers.ts';
import { rollUp } from '../../lambdas/counting/rollup.ts';
import { planSegment } from '../../lambdas/counting/segment.ts';
import { emittedEntry } from '../../lambdas/counting/segment-entry.ts';
import { configurationOf } from '../../lib/configuration.ts';
import { itemGrowth, meanWriteUnits } from '../../plan/counters.ts';
import { segmentItems } from '../../plan/ledger.ts';
import { segmentsOf } from '../../plan/segments.ts';
import { ranksOf, USUAL_WORKLOAD, type Workload } from '../../plan/workload.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';
import { startServices } from '../support/services.ts';
import { WriteUnits } from '../support/write-units.ts';

const services = await startServices();
const units = new WriteUnits(services.dynamoDb);
const [counterTable, ledgerTable] = await Promise.all([services.table(), services.table()]);
const counters = new CounterTable(services.dynamoDb, counterTable);
const ledger = new LedgerTable(services.dynamoDb, ledgerTable, { nowMs: () => ARRIVAL_MS }, 5_184_000_000);
const SHARD = shardKey('1', parseShardId('shardId-000000000160'));
const SEGMENT = 2_100_000;

/** Within so much of the figure, and rather above it than below. */
function planned(plan: number, reported: number): void {
  const ratio = plan / reported;
  assert.ok(ratio > 0.95 && ratio < 1.25, `planned ${plan}, reported ${reported}`);
}

test('a counter item that every segment of its hour adds to', async () => {
  const w: Workload = { ...USUAL_WORKLOAD, eventsPerSecond: 100, entities: 1, skew: 0 };
  // A segment every 12 seconds for an hour.
  const segments = {
    ...segmentsOf(w, ranksOf(w), configurationOf('prod'), 100),
    perSecond: 1 / 12,
    buckets: 1,
  };
  const growth = itemGrowth(w, segments, 60, 1, 100);
  const key = counterKey('pageview', '/page/00000000000001', '2026-11-22T05');
  for (let index = 0; index < 300; index += 1) {
    const row = { events: 1_200, minutes: { [Math.floor(index / 5)]: 1_200 } };
    const segment = segmentId(SHARD, SEGMENT + index);
    assert.equal(await counters.apply(counterUpdate(key, [{ segment, row }], 1_800_000_000)), 'applied');
  }
  planned(300 * meanWriteUnits(growth.firstBytes, growth.lastBytes), units.take(counterTable));
});

test('everything that a segment writes into the ledger', async () => {
  const w: Workload = { ...USUAL_WORKLOAD, eventsPerSecond: 400, entities: 1_000, skew: 0 };
  const records = Array.from({ length: 3_000 }, (_, index) =>
    record(index, {
      id: `${String(index).padStart(8, '0')}-4c1d-4f6e-8a2b-0123456789ab`,
      metric: 'pageview',
      entity: `/page/${((index * 7_919) % 1_000) * 7_919_191 + 1e13}`,
      at: ARRIVAL_MS,
    }),
  );
  const head = planSegment(undefined, records, CONFIG, []);
  const output = rollUp(segmentId(SHARD, 1), records, { seen: () => false }, CONFIG);
  await ledger.putPlan(SHARD, head);
  await ledger.putIds(SHARD, 1, output.ids);
  await ledger.putTouched(SHARD, 1, output.touched);
  await ledger.putEntryIfAbsent(SHARD, emittedEntry(head, output));
  await ledger.markSent(SHARD, { ...head, status: 'sent' });
  for (const { message } of output.parts) await ledger.acknowledge(message.segment, [message.part]);
  const flow = segmentsOf(w, ranksOf(w), configurationOf('prod'), 400);
  const items = segmentItems(w, {
    ...flow,
    eventsEach: 3_000,
    touchedEach: output.rows,
    messagesEach: output.parts.length,
  });
  // What compresses so well in a test does not among people's names: the plan allows for half of them.
  const keysSaved = items.writeUnits - units.take(ledgerTable);
  assert.ok(keysSaved >= 0 && keysSaved <= Math.ceil(items.keysBytes / 1024), `${keysSaved} units`);
  assert.equal(items.idWriteUnits, Math.ceil((3_000 * 8 + 50) / 1024));
});
