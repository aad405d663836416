// Top lists on real services: made while compacting, exact through late events and falling counts, and packed into one item.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LevelLedgerTable } from '../../lambdas/aws/level-ledger.ts';
import { LevelTable } from '../../lambdas/aws/level-table.ts';
import { TopTable } from '../../lambdas/aws/top-table.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import type { CompactorSettings, TopListSettings } from '../../lambdas/compactor/compaction.ts';
import { EMPTY_TOP, type TopList, updateTop } from '../../lambdas/counting/top-list.ts';
import type { TopGrain, TopName } from '../../lambdas/counting/top-name.ts';
import type { TopStore } from '../../lambdas/level-ports.ts';
import { startPipeline } from '../support/pipeline.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const pipeline = await startPipeline(services, 2);
const tops = new TopTable(services.dynamoDb, pipeline.ledgerTable);
const HOUR_MS = 3_600_000;
const TOP_LISTS: TopListSettings = {
  entriesMax: 3,
  certainMin: 2,
  remakeSegmentsMax: 1_000,
  remakeCountersMax: 1_000,
};
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
  topLists: TOP_LISTS,
};
let aheadMs = 0;
const clock = { nowMs: () => Date.now() + aheadMs };

/** Counts events, and takes them to the levels a day later. */
async function counted(
  topLists: TopListSettings,
  ...events: { at: string; entity: string; n: number }[]
): ReturnType<typeof compact> {
  if (events.length > 0) await pipeline.put(...events);
  await pipeline.aggregateNew();
  await pipeline.writeAll();
  return compacted(topLists, tops);
}
/** One run of the compactor, a day later than the one before. */
async function compacted(topLists: TopListSettings, store: TopStore): ReturnType<typeof compact> {
  aheadMs += 24 * HOUR_MS;
  const { ledger, log: stream, counters } = pipeline;
  const progress = new LevelLedgerTable(services.dynamoDb, pipeline.ledgerTable);
  const levels = new LevelTable(services.dynamoDb, pipeline.counterTable);
  const ports = { ledger, progress, stream, counters, levels, tops: store, clock };
  return compact(ports, { ...settings, topLists }, () => true);
}
async function says(by: TopGrain, start: string): Promise<string> {
  const { list } = await tops.readTop({ metric: 'view', by, startMs: Date.parse(start) });
  const entries = list.entries.map(({ entity, n }) => `${entity} ${n}`).join(', ');
  return list.outside === undefined ? entries : `${entries} | ${list.outside.entity} ${list.outside.n}`;
}
const at = (hour: string) => `2026-11-20T${hour}:00Z`;

test('hours, days and months have their lists; ties go by entity, and late events come in', async () => {
  const report = await counted(
    TOP_LISTS,
    { at: at('05'), entity: 'TOP#view', n: 4 },
    { at: at('05'), entity: 'b', n: 9 },
    { at: at('06'), entity: 'c', n: 9 },
    { at: at('06'), entity: 'd', n: -2 },
    { at: '2026-11-21T00:00Z', entity: 'd', n: 50 },
  );
  assert.equal(report.topsUncertain, 0);
  assert.equal(await says('hour', at('05')), 'b 9, TOP#view 4');
  assert.equal(await says('hour', at('06')), 'c 9, d -2');
  assert.equal(await says('day', at('00')), 'b 9, c 9, TOP#view 4 | d -2');
  assert.equal(await says('month', '2026-11-01T00:00Z'), 'd 48, b 9, c 9 | TOP#view 4');
  await counted(TOP_LISTS, { at: at('05'), entity: 'TOP#view', n: 5 }, { at: at('07'), entity: 'c', n: 1 });
  assert.equal(await says('day', at('00')), 'c 10, TOP#view 9, b 9 | d -2');
  const again = await counted(TOP_LISTS);
  assert.deepEqual([again.topsChanged, again.conflicts], [0, 0]);
});

test('when counts have fallen too far to say the first ones, a list is made anew from all entities', async () => {
  const { topsRemade, topsUncertain } = await counted(
    TOP_LISTS,
    { at: at('08'), entity: 'c', n: -20 },
    { at: at('08'), entity: 'b', n: -20 },
  );
  assert.deepEqual([topsRemade, topsUncertain], [1, 0]);
  assert.equal(await says('day', at('00')), 'TOP#view 9, d -2, c -10 | b -11');
});

test('what one run may not read leaves a list that says what it does not know', async () => {
  const { topsRemade, topsUncertain, uncertainTops } = await counted(
    { ...TOP_LISTS, remakeSegmentsMax: 0 },
    { at: at('09'), entity: 'TOP#view', n: -40 },
    { at: at('09'), entity: 'd', n: -40 },
  );
  assert.deepEqual([topsRemade, topsUncertain], [0, 2], 'the day and the month');
  assert.deepEqual(uncertainTops, ['TOP#view D#2026-11-20', 'TOP#view M#2026-11']);
  assert.equal(await says('day', at('00')), 'c -10, TOP#view -31, d -42 | b -11');
  const next = await counted(TOP_LISTS, { at: at('10'), entity: 'e', n: -50 });
  assert.equal(next.topsUncertain, 0);
  assert.equal(await says('day', at('00')), 'c -10, b -11, TOP#view -31 | d -42');
});

test('a list that another compactor has put meanwhile is read again, and nothing of it is lost', async () => {
  const name: TopName = { metric: 'view', by: 'hour', startMs: Date.parse('2026-11-19T05:00Z') };
  let met = false;
  const meeting: TopStore = {
    readTop: (asked) => tops.readTop(asked),
    async putTop(asked, top) {
      if (asked.by === 'hour' && !met) {
        met = true;
        const list = updateTop(EMPTY_TOP, [{ entity: 'theirs', n: 3n }]);
        assert.equal(await tops.putTop(name, { list, revision: 1, expiresAt: undefined }), 'put');
      }
      return tops.putTop(asked, top);
    },
  };
  await pipeline.put({ at: '2026-11-19T05:00Z', entity: 'ours', n: 7 });
  await pipeline.aggregateNew();
  await pipeline.writeAll();
  const { conflicts } = await compacted(TOP_LISTS, meeting);
  assert.equal(conflicts, 1);
  assert.equal(await says('hour', '2026-11-19T05:00Z'), 'ours 7, theirs 3');
});

test('a list is put only as it was read', async () => {
  const name: TopName = { metric: 'race', by: 'hour', startMs: 0 };
  const put = (revision: number, n: bigint) =>
    tops.putTop(name, {
      list: { entries: [{ entity: '/a', n }], outside: undefined },
      revision,
      expiresAt: 2_000_000_000,
    });
  assert.deepEqual(await tops.readTop(name), { list: EMPTY_TOP, revision: 0, expiresAt: undefined });
  assert.equal(await put(2, 1n), 'conflict', 'nothing there');
  assert.equal(await put(1, 1n), 'put');
  assert.equal(await put(1, 7n), 'conflict', 'the same again');
  assert.equal(await put(2, 9_007_199_254_740_993n), 'put');
  const { list, revision, expiresAt } = await tops.readTop(name);
  assert.deepEqual([list.entries[0]?.n, revision, expiresAt], [9_007_199_254_740_993n, 2, 2_000_000_000]);
});

test('a list of the longest names that do not compress fits into one item, and says where it was cut', async () => {
  let seed = 7;
  const character = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return String.fromCodePoint(0x10000 + (seed % 0xf0000));
  };
  const changed = Array.from({ length: 1_000 }, (_, index) => ({
    entity: Array.from({ length: 512 }, character).join(''),
    n: BigInt(index - 500),
  }));
  const list: TopList = updateTop(EMPTY_TOP, changed);
  assert.ok(list.entries.length >= 160 && list.entries.length < 1_000, `${list.entries.length} entries`);
  assert.equal(list.outside?.n, BigInt(499 - list.entries.length), 'the first that was cut');
  const name: TopName = { metric: 'm'.repeat(64), by: 'day', startMs: 0 };
  assert.equal(await tops.putTop(name, { list, revision: 1, expiresAt: undefined }), 'put');
  assert.deepEqual((await tops.readTop(name)).list, list);
});
