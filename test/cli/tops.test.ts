// Rankings of truth files, compared with sorting all entities.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { summed } from '../../cli/verify/compare.ts';
import { expectedTops, topDifferences } from '../../cli/verify/tops.ts';
import type { Truth } from '../../cli/verify/truth.ts';

const at = (iso: string) => Date.parse(iso) / 1000;

function truthOf(rows: readonly (readonly [minute: number, entity: string, n: number])[]): Truth {
  const entities = new Map<string, Map<number, number>>();
  for (const [minute, entity, n] of rows) {
    const minutes = entities.get(entity) ?? new Map<number, number>();
    entities.set(entity, minutes.set(minute, (minutes.get(minute) ?? 0) + n));
  }
  const all = rows.map(([minute]) => minute);
  const total = rows.reduce((sum, [, , n]) => sum + n, 0);
  const [firstMinute, lastMinute] = [Math.min(...all), Math.max(...all)];
  return { file: 't', entities, total, rows: rows.length, firstMinute, lastMinute };
}

test('ties are ordered by code units, periods without counts are included, and months have their own lengths', () => {
  const truth = truthOf([
    [at('2026-01-31T23:59Z'), 'b', 1],
    [at('2026-01-31T00:00Z'), 'B', 1],
    [at('2026-01-31T00:00Z'), '\u{1F600}', 1],
    [at('2026-01-31T12:00Z'), '\uFF21', 1],
    [at('2026-03-01T00:00Z'), 'b', 5],
  ]);
  const tops = expectedTops(truth, 'month', 3);
  assert.deepEqual([...tops.keys()], ['2026-01-01T00:00Z', '2026-02-01T00:00Z', '2026-03-01T00:00Z'].map(at));
  assert.deepEqual(
    [...tops.values()].map((places) => places.map(({ entity }) => entity)),
    // An emoji's first code unit is a surrogate: before the fullwidth letter, though its code point is larger.
    [['B', 'b', '\u{1F600}'], [], ['b']],
  );
  assert.equal(expectedTops(truth, 'day', 3).size, 30);
});

test('for any number of entities, the first ones of each hour are those of sorting them all', () => {
  const rows = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 180 }).map((minute) => minute * 60),
      fc.integer({ min: 0, max: 60 }).map((number) => `e${number}`),
      fc.integer({ min: 1, max: 4 }),
    ),
    { minLength: 1, maxLength: 300, size: 'max' },
  );
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 3 }), (all, k) => {
      const truth = truthOf(all);
      for (const [start, places] of expectedTops(truth, 'hour', k)) {
        const sorted = [...truth.entities]
          .flatMap(([entity, minutes]) => {
            const n = summed('hour', minutes).get(start);
            return n === undefined ? [] : [{ entity, n }];
          })
          .sort((a, b) => b.n - a.n || (a.entity < b.entity ? -1 : 1));
        assert.deepEqual(places, sorted.slice(0, k));
      }
    }),
  );
});

test('places differ by entity, by count, and where one side is shorter', () => {
  const [a, b] = [
    { entity: 'a', n: 3 },
    { entity: 'b', n: 2 },
  ];
  assert.deepEqual(topDifferences(60, [a, b], [a, b]), []);
  assert.deepEqual(topDifferences(60, [a, b], [{ ...a, n: 4 }], 'short'), [
    { start: 60, place: 1, expected: a, found: { entity: 'a', n: 4 }, note: 'short' },
    { start: 60, place: 2, expected: b, found: undefined, note: 'short' },
  ]);
  assert.deepEqual(topDifferences(60, [], [b]), [{ start: 60, place: 1, expected: undefined, found: b }]);
});
