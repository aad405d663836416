// Operators' changes to stored rows, on a real table: on condition that they are as read, and without changing the rest of the item.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { WHOLE_RANGE } from '../../lambdas/core/hash-range.ts';
import { segmentId } from '../../lambdas/core/identifiers.ts';
import { periodAt } from '../../lambdas/core/level.ts';
import { decodeRows, encodeRows } from '../../lambdas/core/rows.ts';
import { RewriteTable } from '../../lambdas/store/rewrite-table.ts';
import { storeKeys } from '../../lambdas/store/store-items.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { rowOf } from '../support/messages.ts';
import { ARRIVAL_MS, SHARD_KEY } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();

async function tables() {
  const TableName = await services.table();
  const store = new StoreTable(services.dynamoDb, TableName, { nowMs: () => ARRIVAL_MS }, 86_400_000);
  return { TableName, store, rewriter: new RewriteTable(services.dynamoDb, TableName) };
}

const rows = (...entities: string[]) => encodeRows(entities.map((entity) => rowOf(entity)));
const DELTA = {
  segment: segmentId(SHARD_KEY, 3),
  part: 1,
  range: WHOLE_RANGE,
  runMaxMs: 77,
  events: 2,
  rows: rows('/a', '/b'),
};

test("a delta's rows are replaced if they are as read, and keep their events and their expiry", async () => {
  const { TableName, store, rewriter } = await tables();
  await store.putDelta(DELTA);
  assert.equal(await rewriter.replaceDelta(DELTA, rows('/other'), rows('/b')), 'conflict');
  assert.equal(await rewriter.replaceDelta(DELTA, DELTA.rows, rows('/b')), 'replaced');
  assert.equal(await rewriter.replaceDelta(DELTA, DELTA.rows, rows('/b')), 'conflict');
  const get = new GetItemCommand({ TableName, Key: storeKeys.delta(DELTA) });
  const { Item } = await services.dynamoDb.send(get);
  assert.deepEqual(decodeRows(Item?.['rows']?.B ?? assert.fail()), [rowOf('/b')]);
  assert.equal(Item?.['events']?.N, '2');
  assert.equal(Item?.['expiresAt']?.N, String(Math.floor((ARRIVAL_MS + 86_400_000) / 1000)));
});

test('a delta that no segment produced becomes a tombstone', async () => {
  const { store, rewriter } = await tables();
  await store.putDelta(DELTA);
  assert.equal(await rewriter.replaceDelta(DELTA, DELTA.rows, undefined), 'replaced');
  assert.equal(await rewriter.replaceDelta(DELTA, DELTA.rows, undefined), 'conflict');
  assert.equal(await store.putDelta(DELTA), 'discarded');
  for await (const delta of store.deltasIn(WHOLE_RANGE, 0, 100)) assert.equal(delta.rows, undefined);
});

test('late rows are replaced item by item', async () => {
  const { store, rewriter } = await tables();
  await store.putLate('days', WHOLE_RANGE, { hourEpoch: 5, plannedAtMs: 0 }, [rowOf('/a'), rowOf('/b')]);
  await store.putLate('days', WHOLE_RANGE, { hourEpoch: 12, plannedAtMs: 0 }, [rowOf('/a')]);
  const items = await Array.fromAsync(rewriter.lateItems('days', WHOLE_RANGE));
  assert.deepEqual(
    items.map(({ epoch }) => epoch),
    [5, 12],
  );
  const [first = assert.fail()] = items;
  assert.equal(await rewriter.replaceLate('days', WHOLE_RANGE, first, rows('/b')), 'replaced');
  assert.equal(await rewriter.replaceLate('days', WHOLE_RANGE, first, rows('/c')), 'conflict');
  const left = await Array.fromAsync(store.lateRows('days', WHOLE_RANGE, 0, 20), ({ entity }) => entity);
  assert.deepEqual(left, ['/b', '/a']);
});

test('the periods with blocks are found, each once, split or not', async () => {
  const { store, rewriter } = await tables();
  const block = { epoch: 1, edit: 0, content: rows('/a') };
  const put = (level: 'hours' | 'months' | 'all', atMs: number, range: string) =>
    store.putBlock(periodAt(level, atMs), range as typeof WHOLE_RANGE, block, { is: 'absent' }, undefined);
  await put('hours', ARRIVAL_MS, '');
  await put('hours', ARRIVAL_MS, '010101');
  await put('hours', 0, '1');
  await put('months', ARRIVAL_MS, '');
  await put('all', ARRIVAL_MS, '');
  assert.deepEqual(await rewriter.periodsOf('hours'), [periodAt('hours', 0), periodAt('hours', ARRIVAL_MS)]);
  assert.deepEqual(await rewriter.periodsOf('days'), []);
  assert.deepEqual(await rewriter.periodsOf('months'), [periodAt('months', ARRIVAL_MS)]);
  assert.deepEqual(await rewriter.periodsOf('all'), [{ level: 'all', startMs: 0 }]);
});
