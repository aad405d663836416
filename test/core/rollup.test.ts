import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DedupView, ShardWindow } from '../../lambdas/core/dedup-window.ts';
import { deltasOf } from '../../lambdas/core/delta.ts';
import { holds, nameHash } from '../../lambdas/core/hash-range.ts';
import { segmentId } from '../../lambdas/core/identifiers.ts';
import { rollUp } from '../../lambdas/core/rollup.ts';
import { compareRows, decodeRows, type Row } from '../../lambdas/core/rows.ts';
import type { StreamRecord } from '../../lambdas/core/segment.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { packIds } from '../support/packed-ids.ts';
import { ARRIVAL_MS, type ClientEvent, CONFIG, record, SHARD_KEY } from '../support/records.ts';

const ID = segmentId(SHARD_KEY, 1);
/** What is remembered of an id, where metric and entity are the usual. */
const named = (id: string) => `view\n/a\n${id}`;
const NOTHING_SEEN: DedupView = { seen: () => false };
const rollUpRecords = (records: StreamRecord[], config = CONFIG, window = NOTHING_SEEN) =>
  rollUp(records, window, config);
const rowsOf = (output: ReturnType<typeof rollUp>): Row[] =>
  deltasOf(ID, ARRIVAL_MS, output.cut)
    .flatMap(({ rows }) => decodeRows(rows))
    .sort(compareRows);
const HOUR = Math.floor(ARRIVAL_MS / HOUR_MS);

test('a segment with more rows than an item holds is split, and nothing is missing', () => {
  const name = (place: number) => createHash('sha512').update(String(place)).digest('hex').repeat(3);
  const events = Array.from({ length: 5_000 }, (_, place) => ({ entity: name(place), n: place }));
  const output = rollUpRecords([record(1, events)], { ...CONFIG, slotBits: 0 });
  const deltas = deltasOf(ID, ARRIVAL_MS, output.cut);
  assert.ok(deltas.length > 1);
  // An item ends at 400 KB, its key and numbers included; names that compress to nothing are the worst case.
  for (const { rows } of deltas) assert.ok(rows.byteLength < 390_000, `${rows.byteLength} bytes`);
  assert.equal(rowsOf(output).length, events.length);
});

test('events of one minute become one sum, of one hour one row', () => {
  const output = rollUpRecords([
    record(1, { n: 2 }),
    record(2, { n: -5, at: ARRIVAL_MS - 60_000 }),
    record(3, [{}, { entity: '/b' }, { metric: 'like' }]),
  ]);
  assert.deepEqual(rowsOf(output), [
    { hour: HOUR, metric: 'like', entity: '/a', events: 1, cells: new Map([[7, 1n]]) },
    {
      ...{ hour: HOUR, metric: 'view', entity: '/a', events: 3 },
      cells: new Map([
        [6, -5n],
        [7, 3n],
      ]),
    },
    { hour: HOUR, metric: 'view', entity: '/b', events: 1, cells: new Map([[7, 1n]]) },
  ]);
  assert.deepEqual(output.accounts, { received: 5, duplicate: 0, rejected: {}, emitted: 5, lost: 0 });
  assert.equal(output.earliestHourMs, HOUR * HOUR_MS);
});

test('a small segment has one delta, a large one has one for each hash slot with rows', () => {
  const events = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ entity: `/pages/${index}` }));
  const few = rollUpRecords([record(1, events(20))]);
  assert.deepEqual(
    few.cut.map(({ range, events: held }) => [range, held]),
    [['', 20]],
  );
  const many = rollUpRecords([record(1, events(400))]);
  assert.deepEqual(
    many.cut.map(({ range }) => range),
    ['00', '01', '10', '11'],
  );
});

test('a delta that would be larger than an item is cut in several', () => {
  const entity = (index: number) => `${'😀'.repeat(500)}${index}`;
  const events = Array.from({ length: 400 }, (_, index) => ({ entity: entity(index) }));
  const { cut } = rollUpRecords([record(1, events)]);
  assert.ok(cut.length > 8, `${cut.length} deltas`);
  for (const { laid } of cut) assert.ok(laid.byteLength < 110_000, `${laid.byteLength} bytes`);
});

test('an event is late when its hour was over before it arrived', () => {
  const hour = Date.UTC(2026, 10, 22, 5);
  const output = rollUpRecords([
    record(1, [{ at: hour - 1, id: 'a' }, { at: hour }, { at: hour - 86_400_000, entity: '/b' }], hour),
    record(2, [{ at: hour - 1, id: 'a' }], hour + 5),
    record(3, [{ at: hour - 1 }], hour - 1),
  ]);
  assert.deepEqual([output.late, output.accounts.emitted, output.rows], [2, 4, 3]);
});

test('an id counts once in a segment, and not at all when the window has it', () => {
  const window = new ShardWindow();
  window.add(1, ARRIVAL_MS, packIds([named('earlier')]));
  const records = [
    record(1, { id: 'a' }),
    record(2, [{ id: 'a' }, { id: 'earlier' }, { id: 'b' }]),
    record(3, {}),
  ];
  const output = rollUpRecords(records, CONFIG, window.since(0));
  assert.deepEqual(output.accounts, { received: 5, duplicate: 2, rejected: {}, emitted: 3, lost: 0 });
  const ids = packIds(['a', 'earlier', 'b'].map(named));
  assert.deepEqual(output.ids, ids, 'a dropped duplicate enters the window too');
});

test('an id names an event of one metric and entity: an order may count in two', () => {
  const output = rollUpRecords([
    record(1, [{ id: 'order-1' }, { id: 'order-1', metric: 'items' }, { id: 'order-1', entity: '/b' }]),
    record(2, { id: 'order-1' }),
  ]);
  assert.deepEqual([output.accounts.emitted, output.accounts.duplicate], [3, 1]);
});

test('events of a batch without ids are known by its key and their place, metric and entity', () => {
  const batch = (position: number, key: string, events: ClientEvent[]) =>
    record(position, events, ARRIVAL_MS, key);
  const output = rollUpRecords([
    batch(1, 'key', [{}, {}, { entity: '/b' }]),
    batch(2, 'key', [{}, {}, { entity: '/b' }]),
    batch(3, 'other', [{}, {}, { entity: '/b' }]),
    // Retried with changes: an event at the same place is a duplicate, the rest are counted.
    batch(4, 'key', [{}, { entity: '/b' }, { entity: '/b', n: 7 }, {}]),
  ]);
  assert.deepEqual([output.accounts.emitted, output.accounts.duplicate], [8, 5]);
});

test('what can never be counted is set aside with its place; its id stays free', () => {
  const config = { ...CONFIG, acceptPastMs: 3_600_000 };
  const records = [
    record(1, '{"metric":'),
    record(2, [
      { id: 'late', at: ARRIVAL_MS - 3_600_001 },
      { id: 'early', at: ARRIVAL_MS + 600_001 },
      { id: 'good' },
    ]),
    record(3, [{ at: ARRIVAL_MS - 3_600_000 }, { at: ARRIVAL_MS + 600_000 }]),
  ];
  const output = rollUpRecords(records, config);
  assert.deepEqual(output.accounts.rejected, { 'not-json': 1, 'too-old': 1, 'too-new': 1 });
  assert.equal(output.accounts.emitted, 3);
  assert.deepEqual(
    output.rejected.map(({ sequenceNumber, index, reason }) => [sequenceNumber, index, reason]),
    [
      [records[0]?.sequenceNumber, 0, 'not-json'],
      [records[1]?.sequenceNumber, 0, 'too-old'],
      [records[1]?.sequenceNumber, 1, 'too-new'],
    ],
  );
  assert.deepEqual(Buffer.from(output.rejected[0]?.data ?? []).toString(), '{"metric":');
  const places = [0, 1].map((place) => `view\r/a\r${place}\rbatch-3`);
  assert.deepEqual(output.ids, packIds([named('good'), ...places]));
});

const clientEvents = fc.record(
  {
    id: fc.integer({ min: 0, max: 12 }).map((id) => `id-${id}`),
    metric: fc.constantFrom('view', 'like'),
    entity: fc.constantFrom('/a', '/b', '😀'),
    at: fc.integer({ min: ARRIVAL_MS - 7_200_000, max: ARRIVAL_MS }),
    n: fc.integer({ min: -3, max: 3 }),
  },
  { requiredKeys: [] },
);
const batches = fc.array(fc.array(clientEvents, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 12,
  size: 'max',
});
const asRecords = (all: ClientEvent[][]) => all.map((events, index) => record(index + 1, events));

test('the rollup equals a plain count by (metric, entity, minute) over first appearances', () => {
  fc.assert(
    fc.property(batches, (all) => {
      const expected = new Map<string, number>();
      const seen = new Set<string>();
      for (const { id, metric = 'view', entity = '/a', at = ARRIVAL_MS, n = 1 } of all.flat()) {
        const twins = id && [metric, entity, id].join();
        if (twins !== undefined && seen.has(twins)) continue;
        if (twins !== undefined) seen.add(twins);
        const key = [new Date(at).toISOString().slice(0, 16), metric, entity].join();
        expected.set(key, (expected.get(key) ?? 0) + n);
      }
      const found = new Map<string, number>();
      for (const { hour, metric, entity, cells } of rowsOf(rollUpRecords(asRecords(all)))) {
        for (const [minute, n] of cells) {
          const at = new Date(hour * HOUR_MS + minute * 60_000).toISOString().slice(0, 16);
          found.set([at, metric, entity].join(), Number(n));
        }
      }
      assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()));
    }),
  );
});

test('every attempt at a segment produces the same deltas, each with the rows of its hash range', () => {
  fc.assert(
    fc.property(batches, fc.integer({ min: 0, max: 5 }), (all, slotBits) => {
      const config = { ...CONFIG, slotBits };
      const first = rollUpRecords(asRecords(all), config);
      assert.deepEqual(first, rollUpRecords(asRecords(all), config));
      const keys = rowsOf(first).map(({ hour, metric, entity }) => [hour, metric, entity].join());
      assert.equal(new Set(keys).size, keys.length, 'one row of a segment for each name and hour');
      for (const [part, delta] of deltasOf(ID, ARRIVAL_MS, first.cut).entries()) {
        const rows = decodeRows(delta.rows);
        assert.equal(delta.part, part);
        assert.equal(
          delta.events,
          rows.reduce((sum, row) => sum + row.events, 0),
        );
        assert.ok(rows.every(({ metric, entity }) => holds(delta.range, nameHash(metric, entity))));
        assert.ok(delta.range.length === 0 || delta.range.length === slotBits);
      }
    }),
  );
});

test('a segment has the same output in every version of this code with the same rollup version', () => {
  const all = Array.from({ length: 40 }, (_, batch) =>
    Array.from({ length: 5 }, (_, index) => ({
      id: `id-${(batch * 5 + index) % 150}`,
      metric: index % 2 === 0 ? 'view' : 'like',
      entity: ['/a', '/é😀', '"\\', '\u2028'][batch % 4] as string,
      at: index === 3 ? new Date(ARRIVAL_MS - batch * 300_000).toISOString() : ARRIVAL_MS - batch * 60_000,
      n: (batch % 3) - 1,
    })),
  );
  const { digest } = rollUpRecords(asRecords(all), CONFIG);
  assert.equal(digest.slice(0, 16), 'f915cc97b7426556');
});

test('the digest changes with any difference in the output', () => {
  const base = rollUpRecords([record(1, { id: 'a' })]).digest;
  const others = [{ id: 'b' }, { id: 'a', n: 2 }, { id: 'a', entity: '/b' }, {}].map(
    (event) => rollUpRecords([record(1, event)]).digest,
  );
  assert.equal(new Set([base, ...others]).size, 5);
});
