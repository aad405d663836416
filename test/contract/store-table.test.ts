// The store on a real table: conditional writes, and reads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { type CompactionPlan, INITIAL_STATE } from '../../lambdas/core/compaction.ts';
import type { Delta } from '../../lambdas/core/delta.ts';
import { type HashRange, parseHashRange, WHOLE_RANGE } from '../../lambdas/core/hash-range.ts';
import { parseShardKey, segmentId } from '../../lambdas/core/identifiers.ts';
import type { Period } from '../../lambdas/core/level.ts';
import { decodeRows, encodeRows, type Row } from '../../lambdas/core/rows.ts';
import { makeTops } from '../../lambdas/store/make-tops.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { rowOf } from '../support/messages.ts';
import { ARRIVAL_MS, SHARD_KEY } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const clock = { nowMs: () => ARRIVAL_MS };
const HOUR = { level: 'hours', startMs: Date.UTC(2026, 10, 22, 5) } as const;
const range = (bits: string) => parseHashRange(bits);
const store = async () => new StoreTable(services.dynamoDb, await services.table(), clock, 86_400_000);
const state = async () => new CompactionStateTable(services.dynamoDb, await services.table());
const delta = (segment: number, runMaxMs: number, part = 0, of = '01'): Delta => ({
  segment: segmentId(SHARD_KEY, segment),
  part,
  range: range(of),
  runMaxMs,
  events: 1,
  rows: encodeRows([rowOf(`/${segment}`)]),
});

test('a delta is stored once; it and its tombstone exclude each other', async () => {
  const table = await store();
  assert.equal(await table.putDelta(delta(1, 5)), 'stored');
  assert.equal(await table.putDelta({ ...delta(1, 5), rows: encodeRows([rowOf('/other')]) }), 'stored');
  assert.equal(await table.putTombstone(delta(1, 5)), 'stored', 'the delta is there');
  assert.equal(await table.putTombstone(delta(2, 6)), 'discarded');
  assert.equal(await table.putTombstone(delta(2, 6)), 'discarded', 'again');
  assert.equal(await table.putDelta(delta(2, 6)), 'discarded');
  const found = await Array.fromAsync(table.deltasIn(range('01'), 0, 10));
  assert.deepEqual(
    found.map(({ segment, rows }) => [segment, rows && decodeRows(rows)]),
    [
      ['1.0.1', [rowOf('/1')]],
      ['1.0.2', undefined],
    ],
  );
  const { rows: _, ...name } = found[0] ?? assert.fail();
  const { rows: __, ...given } = delta(1, 5);
  assert.deepEqual(name, given);
});

test('a delta is kept until it is given its expiry again; a tombstone stays, a missing one is not created', async () => {
  const TableName = await services.table();
  const table = new StoreTable(services.dynamoDb, TableName, clock, 86_400_000);
  const expiries = async () => {
    const { Items = [] } = await services.dynamoDb.send(new ScanCommand({ TableName }));
    return Items.map((item) => item['expiresAt']?.N);
  };
  const inADay = String(Math.ceil((ARRIVAL_MS + 86_400_000) / 1000));
  await table.putDelta(delta(1, 5));
  assert.deepEqual(await expiries(), [inADay]);
  for (const segment of [1, 3]) await table.keepDelta(delta(segment, 5));
  assert.deepEqual(await expiries(), [undefined]);
  for (const segment of [1, 3]) await table.expireDelta(delta(segment, 5));
  assert.deepEqual(await expiries(), [inADay]);
  await table.putTombstone(delta(2, 5));
  for (const change of ['keepDelta', 'expireDelta'] as const) await table[change](delta(2, 5));
  assert.deepEqual((await expiries()).sort(), [inADay, undefined]);
});

test('deltas of a range come by their running maximum, both bounds included', async () => {
  const table = await store();
  for (const [segment, runMaxMs] of [
    [40, 9],
    [3, 1_000],
    [35, 10],
    [36, 99],
    [37, 100],
  ] as const) {
    await table.putDelta(delta(segment, runMaxMs));
  }
  await table.putDelta(delta(50, 50, 0, '10'));
  const found = await Array.fromAsync(table.deltasIn(range('01'), 10, 100));
  assert.deepEqual(
    found.map(({ segment }) => segment),
    ['1.0.z', '1.0.10', '1.0.11'],
  );
});

test('a block is put as its condition says, and never over a later epoch', async () => {
  const table = await store();
  const put = (epoch: number, condition: Parameters<StoreTable['putBlock']>[3], edit = 0) =>
    table.putBlock(
      HOUR,
      WHOLE_RANGE,
      { epoch, edit, content: encodeRows([rowOf(`/${epoch}`)]) },
      condition,
      99,
    );
  assert.equal(await put(1, { is: 'as-read', epoch: 0, edit: 0 }), 'conflict', 'nothing there');
  assert.equal(await put(1, { is: 'absent' }), 'put');
  assert.equal(await put(1, { is: 'absent' }), 'conflict');
  assert.equal(await put(2, { is: 'as-read', epoch: 1, edit: 1 }), 'conflict', 'another edit');
  assert.equal(await put(1, { is: 'as-read', epoch: 1, edit: 0 }, 1), 'put');
  assert.equal(await put(2, { is: 'as-read', epoch: 1, edit: 0 }), 'conflict', 'edited meanwhile');
  assert.equal(await put(2, { is: 'as-read', epoch: 1, edit: 1 }), 'put');
  assert.equal(await put(2, { is: 'before', epoch: 2, edit: 0 }), 'conflict');
  assert.equal(await put(3, { is: 'before', epoch: 3, edit: 0 }), 'put');
  assert.equal(await put(3, { is: 'before', epoch: 3, edit: 0 }), 'conflict', 'of this epoch');
  assert.equal(await put(3, { is: 'before', epoch: 3, edit: 1 }, 1), 'put', 'an earlier edit of this epoch');
  assert.equal(await put(3, { is: 'before', epoch: 3, edit: 1 }, 1), 'conflict', 'the same edit');
  assert.equal(await put(3, { is: 'before', epoch: 3, edit: 2 }, 2), 'put');
  const [block] = await table.readBlocks([{ period: HOUR, range: WHOLE_RANGE }]);
  assert.deepEqual([block?.epoch, block?.edit], [3, 2]);
});

test('all blocks of a period are found below its splits, and read by name in the order asked for', async () => {
  const table = await store();
  const leaves = ['1', '010', '0110', '01110', '011110', '0111110'];
  const splits = ['', '0', '01', '011', '0111', '01111', '011111'];
  const put = (of: string, content: 'split' | Uint8Array) =>
    table.putBlock(HOUR, range(of), { epoch: 1, edit: 0, content }, { is: 'absent' }, undefined);
  for (const of of leaves) await put(of, encodeRows([rowOf(`/${of}`)]));
  for (const of of splits) await put(of, 'split');
  const found = await Array.fromAsync(table.blocksOf(HOUR));
  assert.deepEqual(found.map((each): HashRange => each.range).sort(), leaves.sort());
  for (const each of found) assert.deepEqual(decodeRows(each.rows), [rowOf(`/${each.range}`)]);
  const names = ['0110', '', '0000'].map((of) => ({ period: HOUR, range: range(of) }));
  const blocks = await table.readBlocks(names);
  assert.deepEqual(
    blocks.map((block) => block && (block.content === 'split' ? 'split' : 'rows')),
    ['rows', 'split', undefined],
  );
});

test('more blocks than one request takes are read in the order asked for', async () => {
  const names = Array.from({ length: 230 }, (_, hour) => ({
    period: { level: 'hours', startMs: Date.UTC(2026, 0, 1, hour) } as const,
    range: WHOLE_RANGE,
  }));
  const table = await store();
  for (const [index, { period, range }] of names.entries()) {
    const block = { epoch: index + 1, edit: 0, content: encodeRows([]) };
    await table.putBlock(period, range, block, { is: 'absent' }, undefined);
  }
  const read = await table.readBlocks(names);
  assert.deepEqual(
    read.map((block) => block?.epoch),
    names.map((_, index) => index + 1),
  );
});

test('late rows come back by epoch, however many items they take', async () => {
  const table = await store();
  const put = (hourEpoch: number, rows: readonly Row[]) =>
    table.putLate('days', range('01'), { hourEpoch, plannedAtMs: 0 }, rows);
  const rows = (epoch: number, count: number): Row[] =>
    Array.from({ length: count }, (_, index) => rowOf(`${'x'.repeat(400)}/${epoch}/${index}`));
  for (const epoch of [2, 3, 10]) await put(epoch, rows(epoch, 400));
  await put(3, rows(4, 400));
  const epochs = async (after: number, through: number) =>
    (await Array.fromAsync(table.lateRows('days', range('01'), after, through))).map(
      ({ entity }) => entity.split('/')[1],
    );
  assert.deepEqual(new Set(await epochs(2, 9)), new Set(['3']));
  assert.equal((await epochs(2, 9)).length, 400);
  assert.equal((await epochs(0, 10)).length, 1_200);
  assert.deepEqual(await Array.fromAsync(table.lateRows('months', range('01'), 0, 10)), []);
});

test('late rows are kept as long as the deltas of the epoch that put them aside', async () => {
  const TableName = await services.table();
  const table = new StoreTable(services.dynamoDb, TableName, clock, 86_400_000);
  await table.putLate('days', range('01'), { hourEpoch: 2, plannedAtMs: ARRIVAL_MS - 5_000 }, [rowOf('/a')]);
  const { Items = [] } = await services.dynamoDb.send(new ScanCommand({ TableName }));
  const expiresAt = Math.floor((ARRIVAL_MS - 5_000 + 86_400_000) / 1000);
  assert.deepEqual(
    Items.map((item) => item['expiresAt']),
    [{ N: String(expiresAt) }],
  );
});

test('a top list is put only over the one that was read; metrics are remembered', async () => {
  const table = await store();
  const list = (epoch: number, edit: number, n: bigint) => ({ epoch, edit, entries: [{ entity: '/a', n }] });
  assert.equal(await table.putTop('view', HOUR, list(2, 1, 2n ** 70n), undefined), 'put');
  assert.equal(await table.putTop('view', HOUR, list(2, 1, 1n), undefined), 'conflict');
  assert.deepEqual(await table.readTop('view', HOUR), list(2, 1, 2n ** 70n));
  assert.equal(await table.putTop('view', HOUR, list(2, 2, 3n), undefined), 'put');
  assert.equal(await table.putTop('view', HOUR, list(3, 2, 4n), undefined), 'conflict');
  assert.deepEqual(await table.readTop('view', HOUR), list(2, 2, 3n));
  assert.equal(await table.readTop('like', HOUR), undefined);
  await table.addMetrics(['view', 'like']);
  await table.addMetrics(['view']);
  assert.deepEqual(await table.metrics(), ['like', 'view']);
});

test('a top list whose blocks are rewritten while they are read is computed again', async () => {
  const table = await store();
  const putBlock = (edit: number, ...entities: string[]) => {
    const content = encodeRows(entities.map((entity) => ({ ...rowOf(entity), hour: 0 })));
    const condition =
      edit === 0 ? ({ is: 'absent' } as const) : ({ is: 'as-read', epoch: 1, edit: 0 } as const);
    return table.putBlock(HOUR, WHOLE_RANGE, { epoch: 1, edit, content }, condition, undefined);
  };
  const kept = { hours: undefined, days: undefined, months: undefined, all: undefined };
  const due = { period: HOUR, metrics: new Set([rowOf('/a').metric]) };
  await putBlock(0, '/a', '/b');
  let isDeleted = false;
  const compactors = {
    readTop: table.readTop.bind(table),
    putTop: table.putTop.bind(table),
    metrics: table.metrics.bind(table),
    addMetrics: table.addMetrics.bind(table),
    async *blocksOf(period: Period) {
      yield* table.blocksOf(period);
      if (isDeleted) return;
      isDeleted = true;
      assert.equal(await putBlock(1, '/b'), 'put');
      await makeTops(due, 1, table, kept);
    },
  };
  await makeTops(due, 1, compactors, kept);
  const top = await table.readTop(rowOf('/a').metric, HOUR);
  assert.deepEqual([top?.edit, top?.entries.map(({ entity }) => entity)], [2, ['/b']]);
});

const plan: CompactionPlan = {
  covers: { through: { '1.0': 4 }, open: [], floorMs: 17 },
  blockBytes: 100,
  slotBits: 2,
  plannedAtMs: 5,
  retentions: { hours: undefined, days: undefined, months: 7, all: undefined },
  deletions: 0,
  closedBeforeMs: { days: 1, months: 0, all: 0 },
  hourEpoch: 1,
  events: 9,
};

test('a plan is put once, and of an upper level only while the hours are as read', async () => {
  const table = await state();
  assert.deepEqual(await table.readState(), INITIAL_STATE);
  assert.equal(await table.putPlan(INITIAL_STATE, 'hours', plan, undefined), 'planned');
  assert.equal(await table.putPlan(INITIAL_STATE, 'hours', plan, undefined), 'conflict');
  assert.equal(await table.putPlan(INITIAL_STATE, 'days', plan, 60), 'conflict', 'the hours are planned');
  const planned = await table.readState();
  // An expiry of never is omitted from the item.
  const { months } = plan.retentions;
  assert.deepEqual(planned.hours, { ...INITIAL_STATE.hours, plan: { ...plan, retentions: { months } } });
  const late = { days: { epoch: 1, bytes: 5 }, months: { epoch: 0, bytes: 0 }, all: { epoch: 0, bytes: 0 } };
  for (const _ of ['once', 'again']) await table.markDone(planned, 'hours', 7, late);
  const done = await table.readState();
  const { covers, hourEpoch, events, plannedAtMs } = plan;
  assert.deepEqual(done.hours, {
    ...{
      epoch: 1,
      covers,
      hourEpoch,
      events,
      closedBeforeMs: 0,
      plannedAtMs,
      writeUnits: 7,
      plan: undefined,
    },
  });
  assert.deepEqual([done.late, done.closing.days], [late, 0]);
  assert.equal(await table.putPlan(done, 'days', plan, 60), 'planned');
  assert.equal(await table.putPlan(done, 'days', plan, 70), 'conflict');
  const closing = await table.readState();
  assert.equal(closing.closing.days, 60);
  await table.markDone(closing, 'days', 3, undefined);
  assert.equal((await table.readState()).days.closedBeforeMs, 1);
});

test('the hours are not planned by a state that does not know what an upper level closes', async () => {
  const table = await state();
  await table.putPlan(INITIAL_STATE, 'hours', plan, undefined);
  await table.markDone(await table.readState(), 'hours', 7, undefined);
  const before = await table.readState();
  assert.equal(await table.putPlan(before, 'days', plan, 60), 'planned');
  const stale = { ...plan, hourEpoch: 2, closedBeforeMs: before.closing };
  assert.equal(await table.putPlan(before, 'hours', stale, undefined), 'conflict', 'days close 60 by now');
  const now = await table.readState();
  assert.equal(
    await table.putPlan(now, 'hours', { ...stale, closedBeforeMs: now.closing }, undefined),
    'planned',
  );
});

test('a repair says where late rows are, but not into an epoch that is under way', async () => {
  const table = await state();
  await table.putPlan(INITIAL_STATE, 'hours', plan, undefined);
  const planned = await table.readState();
  assert.equal(await table.noteLate(planned, 'days'), 'conflict');
  await table.markDone(planned, 'hours', 7, undefined);
  const done = await table.readState();
  for (const level of ['days', 'days', 'all'] as const)
    assert.equal(await table.noteLate(done, level), 'noted');
  const { late } = await table.readState();
  assert.deepEqual([late.days.epoch, late.months.epoch, late.all.epoch], [1, 0, 1]);
  await table.putPlan(done, 'hours', { ...plan, hourEpoch: 2 }, undefined);
  assert.equal(await table.noteLate(done, 'months'), 'conflict', 'planned since it was read');
});

test('range lengths are registered, and deletions numbered, by concurrent writers', async () => {
  const table = await state();
  await table.registerRangeBits(4, 70);
  await table.registerRangeBits(6, 80);
  assert.equal((await table.readState()).sinceMs, 70);
  assert.deepEqual((await table.readState()).rangeBits, [0, 4, 6]);
  const [a, b] = ['a', 'b'].map((entityHash) => ({ entityHash, throughMs: 5 }));
  assert.ok(a && b);
  const numbers = await Promise.all([table.registerDeletion(a), table.registerDeletion(b)]);
  assert.deepEqual([...numbers].sort(), [1, 2]);
  assert.deepEqual((await table.readDeletions(2)).map(({ entityHash }) => entityHash).sort(), ['a', 'b']);
  // Known entries are not read again, new ones are.
  assert.equal(await table.registerDeletion({ ...a, throughMs: 9 }), 3);
  assert.deepEqual(
    (await table.readDeletions(3)).map(({ throughMs }) => throughMs),
    [5, 5, 9],
  );
  assert.equal((await table.readDeletions(1)).length, 1);
  assert.deepEqual((await table.readState()).deleting, [1, 2, 3]);
  await table.finishDeletion(3);
  const [of] = await table.readDeletions(1);
  assert.deepEqual(
    (await table.readState()).deleting,
    [of?.entityHash === 'a' ? 2 : 1],
    'those of a are done',
  );
  for (const number of [1, 2, 2]) await table.finishDeletion(number);
  assert.deepEqual((await table.readState()).deleting, []);
  assert.equal(
    await table.putPlan(INITIAL_STATE, 'hours', plan, undefined),
    'conflict',
    'it knows no deletions',
  );
  assert.equal(parseShardKey('1.0'), '1.0');
});
