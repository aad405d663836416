// Write units are what the service reports: for counter items, for the ledger, by table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CounterTable } from '../../lambdas/aws/counter-table.ts';
import { LedgerTable } from '../../lambdas/aws/ledger-table.ts';
import { WriteUnits } from '../../lambdas/aws/write-units.ts';
import { counterKey, counterUpdate } from '../../lambdas/counting/counter-item.ts';
import { segmentId } from '../../lambdas/counting/identifiers.ts';
import { ARRIVAL_MS, SHARD_KEY } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const units = new WriteUnits(services.dynamoDb);
const [counterTable, ledgerTable] = await Promise.all([services.table(), services.table()]);
const counters = new CounterTable(services.dynamoDb, counterTable);
const ledger = new LedgerTable(services.dynamoDb, ledgerTable, { nowMs: () => ARRIVAL_MS });

test(
  'a small counter item costs a unit, a large one what it weighs; what is asked for is taken',
  services.where('capacity is charged'),
  async () => {
    const add = (segment: number, name = `${segment}`) => {
      const row = { events: 1, minutes: { 7: 1 } };
      const update = counterUpdate(
        counterKey('view', '/a', '2026-11-22T05'),
        [{ segment: segmentId(SHARD_KEY, segment), row }],
        undefined,
      );
      return counters.apply({ ...update, segments: [name as never] });
    };
    await add(1);
    await add(2);
    assert.equal(units.take(counterTable), 2);
    assert.equal(units.take(counterTable), 0);
    await add(3, 'x'.repeat(1_500));
    assert.equal(units.take(counterTable), 2);
  },
);

test("the ledger's writes are counted apart, reads and failed conditions are not", async () => {
  await ledger.registerShard(SHARD_KEY);
  await ledger.readHead(SHARD_KEY);
  await ledger.acknowledge(segmentId(SHARD_KEY, 1), [0]);
  assert.deepEqual([units.take(ledgerTable), units.take(counterTable)], [1, 0]);
});
