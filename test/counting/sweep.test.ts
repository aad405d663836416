// The sweep's order: whatever it holds, all that is below its bound is complete, and every item is in one of its turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { itemStartMs, sumStartMs } from '../../lambdas/counting/levels.ts';
import { Sweep, type SweptItem } from '../../lambdas/counting/sweep.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/counting/time.ts';
import { decodeTouched } from '../../lambdas/counting/touched-counters.ts';

const HOUR = Date.UTC(2026, 10, 22) / HOUR_MS;
const keyOf = ({ name: { level, metric, entity, startMs } }: SweptItem) =>
  `${level} ${startMs} ${metric} ${entity}`;

const group = fc.tuple(
  fc.nat({ max: 24 * 40 }).map((hour) => HOUR + hour),
  fc.constantFrom('view', 'like', 'a-metric'),
  fc.array(fc.oneof(fc.constantFrom('', '/1', '/2', '/3'), fc.string({ unit: 'grapheme', maxLength: 6 }))),
);
const chunks = fc.array(fc.array(group, { maxLength: 4 }).map((groups) => JSON.stringify(groups)));

test('turn after turn, every touched item comes once, upwards, with all its sums', () => {
  fc.assert(
    fc.property(
      chunks,
      fc.constantFrom('days', 'months'),
      fc.integer({ min: 1, max: 8 }),
      (texts, level, itemsMax) => {
        const expected = new Map<string, Set<number>>();
        for (const { metric, entity, hourMs } of texts.flatMap((text) => [...decodeTouched(text)])) {
          const name = `${level} ${itemStartMs(level, hourMs)} ${metric} ${entity}`;
          expected.set(name, (expected.get(name) ?? new Set()).add(sumStartMs(level, hourMs)));
        }
        const found: SweptItem[] = [];
        for (let from = 0; from < Number.POSITIVE_INFINITY; ) {
          const sweep = new Sweep(level, itemsMax);
          const last = Math.max(-1, ...texts.map((text) => sweep.add(text, from)));
          const items = sweep.items();
          assert.ok(items.length <= itemsMax * 1.25 || new Set(items.map(({ hash }) => hash)).size === 1);
          for (const { hash } of items) assert.ok(hash >= from && hash < sweep.bound && hash <= last);
          assert.ok(sweep.bound > from);
          found.push(...items);
          from = sweep.bound;
        }
        assert.deepEqual(new Map(found.map((item) => [keyOf(item), new Set(item.sumsMs)])), expected);
        assert.equal(found.length, expected.size);
        for (const [at, { hash }] of found.entries())
          assert.ok(at === 0 || hash >= (found[at - 1]?.hash ?? 0));
      },
    ),
  );
});

test('the last hour of a day and the last day of a month have a place', () => {
  const hour = Date.UTC(2026, 11, 31, 23) / HOUR_MS;
  for (const [level, sumMs] of [
    ['days', HOUR_MS],
    ['months', DAY_MS],
  ] as const) {
    const sweep = new Sweep(level, 10);
    sweep.add(JSON.stringify([[hour, 'view', ['/a']]]), 0);
    assert.deepEqual(sweep.items()[0]?.sumsMs, [Date.UTC(2027, 0) - sumMs]);
  }
});

test('metrics that have no item in the sweep take no memory, however many there are', () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const heapBytes = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heapBytes();
  const sweep = new Sweep('days', 100);
  for (let chunk = 0; chunk < 100; chunk += 1) {
    const groups = Array.from({ length: 1_000 }, (_, at) => [HOUR, `metric-${chunk}-${at}`, ['/a']]);
    sweep.add(JSON.stringify(groups), 0);
  }
  const bytes = heapBytes() - before;
  assert.ok(bytes < 5_000_000, `${bytes} bytes`);
  assert.ok(sweep.items().length >= 100);
});

test('names whose hashes are the same stay together', () => {
  const same = ['/183055-608198', '/356903-306379'];
  const others = Array.from({ length: 100 }, (_, at) => `/${at}`);
  const alone = new Sweep('days', 10);
  const hash = alone.add(JSON.stringify([[HOUR, 'view', same]]), 0);
  assert.deepEqual(
    alone.items().map((item) => item.hash),
    [hash, hash],
  );
  const sweep = new Sweep('days', 1);
  sweep.add(JSON.stringify([[HOUR, 'view', [...same, ...others]]]), hash);
  const [first, second] = sweep.items().map(({ name }) => name.entity);
  assert.deepEqual([first, second].sort(), same);
  assert.ok(sweep.bound > hash);
});

test('places are the same for ever: cursors remember them', () => {
  const sweep = new Sweep('days', 10);
  sweep.add(JSON.stringify([[HOUR, 'view', ['/a', '/é 😀']]]), 0);
  assert.deepEqual(
    sweep.items().map(({ name, hash }) => [name.entity, hash]),
    [
      ['/a', 241498507370244],
      ['/é 😀', 241500422053953],
    ],
  );
});
