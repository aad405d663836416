// The compactor on real services: days, months and totals from what was counted, late events and dead letters included.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepBooks } from '../../lambdas/accountant/keep-books.ts';
import { auditLevels, type LevelRepairer, levelRepairer } from '../../lambdas/auditor/audit-levels.ts';
import { LevelLedgerTable } from '../../lambdas/aws/level-ledger.ts';
import { LevelTable } from '../../lambdas/aws/level-table.ts';
import { StoredHoursTable } from '../../lambdas/aws/stored-hours.ts';
import { TopTable } from '../../lambdas/aws/top-table.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import type { CompactorSettings } from '../../lambdas/compactor/compaction.ts';
import { parseShardKey } from '../../lambdas/counting/identifiers.ts';
import { ALL_PARTS, START_CURSOR } from '../../lambdas/counting/level-cursor.ts';
import { type Level, NO_CLAIMS } from '../../lambdas/counting/levels.ts';
import { updateTop } from '../../lambdas/counting/top-list.ts';
import { startPipeline } from '../support/pipeline.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const pipeline = await startPipeline(services);
const progress = new LevelLedgerTable(services.dynamoDb, pipeline.ledgerTable);
const levels = new LevelTable(services.dynamoDb, pipeline.counterTable);
const tops = new TopTable(services.dynamoDb, pipeline.ledgerTable);
const HOUR_MS = 3_600_000;
const ms = (iso: string) => Date.parse(iso);
let aheadMs = 0;
const clock = { nowMs: () => Date.now() + aheadMs };
const settings: CompactorSettings = {
  generation: '1',
  retentionsMs: { counters: undefined, days: undefined, months: undefined },
  intervalsMs: { days: HOUR_MS, months: 24 * HOUR_MS },
  settleMs: 300_000,
  patienceMs: 1_800_000,
  concurrency: 8,
  sweepItems: 100,
  portionItems: 30,
  lookingMs: 60_000,
  topLists: { entriesMax: 3, certainMin: 2, remakeSegmentsMax: 1_000, remakeCountersMax: 1_000 },
};
/** One run of the compactor, a day later than the one before. */
async function run(): Promise<ReturnType<typeof compact>> {
  aheadMs += 24 * HOUR_MS;
  const { ledger, log: stream, counters } = pipeline;
  return compact({ ledger, progress, stream, counters, levels, tops, clock }, settings, () => true);
}
async function sums(level: Level, startMs: number, entity = '/a'): Promise<Record<string, bigint>> {
  const item = await levels.readLevel({ level, metric: 'view', entity, startMs });
  return Object.fromEntries(
    [...(item?.sums ?? [])].map(([atMs, n]) => [new Date(atMs).toISOString().slice(0, 13), n]),
  );
}

test('every level holds what was counted, and a second run changes nothing', async () => {
  await pipeline.put(
    { at: '2026-11-20T05:07Z', n: 2 },
    { at: '2026-11-20T06:00Z', n: 5 },
    { at: '2026-11-21T23:59:59Z', n: -1 },
    { at: '2025-01-31T12:00Z' },
    { at: '2026-11-20T05:07Z', entity: '/é 😀#b' },
  );
  await pipeline.aggregateAll();
  await pipeline.writeAll();
  const report = await run();
  assert.deepEqual([report.segments > 0, report.missed, report.open], [true, 0, 0]);
  const day = ms('2026-11-20T00:00Z');
  assert.deepEqual(await sums('days', day), { '2026-11-20T05': 2n, '2026-11-20T06': 5n });
  const month = ms('2026-11-01T00:00Z');
  assert.deepEqual(await sums('months', month), { '2026-11-20T00': 7n, '2026-11-21T00': -1n });
  assert.deepEqual(await sums('total', 0), { '2025-01-01T00': 1n, '2026-11-01T00': 6n });
  assert.deepEqual(await sums('total', 0, '/é 😀#b'), { '2026-11-01T00': 1n });
  const again = await run();
  assert.deepEqual([again.segments, again.changed], [0, 0]);
});

test('late events reach all levels', async () => {
  await pipeline.put({ at: '2026-11-20T05:08Z', n: 10 }, { at: '2025-01-31T13:00Z', n: -1 });
  await pipeline.aggregateAll();
  await pipeline.writeAll();
  await run();
  assert.equal((await sums('days', ms('2026-11-20T00:00Z')))['2026-11-20T05'], 12n);
  assert.deepEqual(await sums('total', 0), { '2025-01-01T00': 0n, '2026-11-01T00': 16n });
});

test('what is not written yet is stepped over, and reaches all levels once it is', async () => {
  await pipeline.put({ at: '2026-11-20T05:09Z', n: 100 });
  await pipeline.aggregateAll();
  const first = await run();
  assert.equal(first.open, 2, 'open for the days and for the months');
  assert.deepEqual((await sums('total', 0))['2026-11-01T00'], 16n);
  const claims = await progress.readClaims();
  await pipeline.writeAll();
  const second = await run();
  assert.equal(second.open, 0);
  assert.equal((await sums('days', ms('2026-11-20T00:00Z')))['2026-11-20T05'], 112n);
  assert.deepEqual((await sums('total', 0))['2026-11-01T00'], 116n);
  const later = await progress.readClaims();
  assert.ok(later.days.throughMs > claims.days.throughMs, 'what was missing is claimed only now');
  assert.equal(later.days.throughMs, later.months.throughMs);
  await keepBooks(pipeline.ledger, () => true);
});

test('an item is set only as it was read', async () => {
  const name = { level: 'days', metric: 'view', entity: '/race', startMs: ms('2026-11-20T00:00Z') } as const;
  const set = (hour: string, sum: bigint, revision: number) =>
    levels.setSums({ name, sums: new Map([[ms(hour), sum]]), revision, expiresAt: 2_000_000_000 });
  assert.equal(await set('2026-11-20T05:00Z', 1n, 1), 'conflict', 'nothing there');
  assert.equal(await set('2026-11-20T05:00Z', 1n, 0), 'set');
  assert.equal(await set('2026-11-20T05:00Z', 7n, 0), 'conflict', 'the same again');
  assert.equal(await set('2026-11-20T23:00Z', 9007199254740993n, 1), 'set');
  assert.equal(await set('2026-11-20T05:00Z', 1n, 1), 'conflict', 'an older reading');
  const item = await levels.readLevel(name);
  assert.deepEqual([item?.revision, item?.expiresAt], [2, 2_000_000_000]);
  assert.deepEqual(await sums('days', name.startMs, '/race'), {
    '2026-11-20T05': 1n,
    '2026-11-20T23': 9007199254740993n,
  });
});

test('items of a level come by time, and no others', async () => {
  const month = (startMs: number, metric = 'view') =>
    levels.setSums({
      name: { level: 'months', metric, entity: '/range', startMs },
      sums: new Map([[startMs, 1n]]),
      revision: 0,
      expiresAt: undefined,
    });
  for (const start of ['2025-12-01', '2026-01-01', '2026-02-01', '2026-03-01']) await month(ms(start));
  await month(ms('2026-01-01'), 'views');
  const starts: string[] = [];
  const counter = { level: 'months', metric: 'view', entity: '/range' } as const;
  for await (const { startMs } of levels.levelItems(counter, ms('2026-01-01'), ms('2026-03-01'))) {
    starts.push(new Date(startMs).toISOString().slice(0, 7));
  }
  assert.deepEqual(starts, ['2026-01', '2026-02']);
});

test('cursors are put one revision after the other, claims only rise', async () => {
  const shard = parseShardKey('1.cursor');
  assert.deepEqual(await progress.readCursor(shard, 'days'), START_CURSOR);
  const open = [
    { segment: 2, held: 0 },
    { segment: 3, held: 7 },
  ];
  const cursor = { through: 5, open, interval: 7, revision: 1 };
  assert.equal(await progress.putCursor(shard, 'days', cursor), 'put');
  assert.equal(await progress.putCursor(shard, 'days', cursor), 'conflict');
  assert.equal(await progress.putCursor(shard, 'days', { ...cursor, revision: 3 }), 'conflict');
  assert.deepEqual(await progress.readCursor(shard, 'days'), cursor);
  assert.deepEqual(await progress.readCursor(shard, 'months'), START_CURSOR);
  const again = [
    { segment: 2, held: 4 },
    { segment: 3, held: ALL_PARTS },
  ];
  const step = { taken: [{ segment: 6, held: 1 }], again, through: 9, interval: 8 };
  const pending = { ...step, doneBelow: 2 ** 47 + 1, readable: 5 };
  assert.equal(await progress.putCursor(shard, 'days', { ...cursor, revision: 2, pending }), 'put');
  assert.deepEqual(await progress.readCursor(shard, 'days'), { ...cursor, revision: 2, pending });
  const own = new LevelLedgerTable(services.dynamoDb, await services.table());
  assert.deepEqual(await own.readClaims(), NO_CLAIMS);
  await own.raiseLevelClaim('days', { closedBeforeMs: 20, throughMs: 15 });
  await own.raiseLevelClaim('days', { closedBeforeMs: 10, throughMs: 18 });
  assert.deepEqual(await own.readClaims(), { ...NO_CLAIMS, days: { closedBeforeMs: 20, throughMs: 18 } });
});

test('touched counters read back from several items; a missing one is noticed', async () => {
  const shard = parseShardKey('1.touched');
  const chunks = ['[[1,"a",["x"]]]', '[[2,"b",["ü😀"]]]', 'c'.repeat(500_000)];
  await pipeline.ledger.putTouched(shard, 9, chunks);
  await pipeline.ledger.putTouched(shard, 9, chunks);
  assert.deepEqual(await progress.readTouched(shard, { segment: 9, touchedChunks: 3 }), chunks);
  assert.deepEqual(await progress.readTouched(shard, { segment: 8, touchedChunks: 0 }), []);
  await progress.keepTouched(shard, { segment: 9, touchedChunks: 3 });
  assert.equal(await progress.readTouched(shard, { segment: 9, touchedChunks: 4 }), undefined);
  await progress.keepTouched(shard, { segment: 10, touchedChunks: 1 });
  assert.equal(
    await progress.readTouched(shard, { segment: 10, touchedChunks: 1 }),
    undefined,
    'not made up',
  );
});

test('the audit names every sum that differs from what is below it, and a repair makes it right again', async () => {
  const counters = new StoredHoursTable(services.dynamoDb, pipeline.counterTable);
  const ports = { ledger: pipeline.ledger, progress, counters, levels, clock };
  const day = { metric: 'view', entity: '/a', dayMs: ms('2026-11-20T00:00Z') };
  const audit = (repair?: LevelRepairer) => auditLevels([day], ports, () => true, repair);
  assert.deepEqual(await audit(), { sums: 4, behind: 0, differences: [], complete: true });
  for (const [level, startMs, at] of [
    ['days', day.dayMs, '2026-11-20T06:00Z'],
    ['months', ms('2026-11-01'), '2026-11-20'],
    ['total', 0, '2026-11-01'],
  ] as const) {
    const name = { level, metric: 'view', entity: '/a', startMs };
    const item = await levels.readLevel(name);
    const sums = new Map([[ms(at), 999n]]);
    assert.equal(
      await levels.setSums({ name, sums, revision: item?.revision ?? 0, expiresAt: undefined }),
      'set',
    );
  }
  const { differences } = await audit();
  assert.deepEqual(
    differences.map(({ level, expected, found }) => [level, expected, found]),
    [
      ['days', 5n, 999n],
      ['months', 112n + 999n, 999n],
      ['total', 998n, 999n],
    ],
  );
  // A compaction takes what is wrong for right, and puts it into its lists.
  const month = { metric: 'view', by: 'month', startMs: ms('2026-11-01T00:00Z') } as const;
  const stored = await tops.readTop(month);
  const list = updateTop(stored.list, [{ entity: '/a', n: 1_000n }]);
  assert.equal(await tops.putTop(month, { ...stored, list, revision: stored.revision + 1 }), 'put');
  const repair = levelRepairer(
    { counters: pipeline.counters, levels, tops, ledger: pipeline.ledger, progress, clock },
    settings,
  );
  assert.equal((await audit(repair)).differences.length, 3);
  assert.deepEqual((await audit()).differences, []);
  assert.deepEqual((await sums('total', 0))['2026-11-01T00'], 116n);
  assert.equal(
    (await tops.readTop(month)).list.entries.find(({ entity }) => entity === '/a')?.n,
    116n,
    'the top list, too',
  );
  // What the levels have not taken up yet is no difference.
  await pipeline.put({ at: '2026-11-20T06:30Z' });
  await pipeline.aggregateAll();
  await pipeline.writeAll();
  assert.deepEqual(await audit(), { sums: 1, behind: 2, differences: [], complete: true });
});
