// The top list against a plain sort of all entities, through any history of counts that rise and fall.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  certainEntries,
  compareRanked,
  concerns,
  decodeTop,
  EMPTY_TOP,
  encodeTop,
  type Ranked,
  type TopList,
  topOf,
  updateTop,
  withoutEntity,
} from '../../lambdas/counting/top-list.ts';

const ENTRIES_MAX = 6;

const change = fc.record(
  {
    entity: fc.constantFrom(...'abcdefghijklmno'),
    n: fc.bigInt({ min: -4n, max: 9n }),
  },
  { noNullPrototype: true },
);
const changes = fc.uniqueArray(change, { selector: ({ entity }) => entity, maxLength: 8 });

function ranking(counts: ReadonlyMap<string, bigint>): Ranked[] {
  return [...counts].map(([entity, n]) => ({ entity, n })).sort(compareRanked);
}

function play(history: readonly (readonly Ranked[])[], each: (list: TopList, truth: Ranked[]) => void): void {
  const counts = new Map<string, bigint>();
  let list = EMPTY_TOP;
  for (const changed of history) {
    for (const { entity, n } of changed) counts.set(entity, n);
    list = updateTop(list, changed, ENTRIES_MAX);
    each(list, ranking(counts));
  }
}

test('what the list says is what a sort of all entities says, or it says nothing', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 12 }), (history) => {
      play(history, (list, truth) => {
        assert.ok(list.entries.length <= ENTRIES_MAX);
        assert.deepEqual(list.entries.slice(0, certainEntries(list)), truth.slice(0, certainEntries(list)));
        for (const k of [1, 2, 3, ENTRIES_MAX]) {
          const top = topOf(list, k);
          if (top !== undefined) assert.deepEqual(top, truth.slice(0, k));
        }
      });
    }),
  );
});

test('counts that only rise never make it uncertain', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 12 }), (history) => {
      const counts = new Map<string, bigint>();
      const rising = history.map((changed) =>
        changed.map(({ entity, n }) => {
          const more = (counts.get(entity) ?? 0n) + (n < 0n ? -n : n);
          counts.set(entity, more);
          return { entity, n: more };
        }),
      );
      play(rising, (list, truth) => assert.deepEqual(topOf(list, ENTRIES_MAX), truth.slice(0, ENTRIES_MAX)));
    }),
  );
});

test('taking an entity out keeps the list right, and leaves its name nowhere', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 12 }), fc.constantFrom(...'abcdefgh'), (history, gone) => {
      const counts = new Map<string, bigint>();
      let list = EMPTY_TOP;
      for (const changed of history) {
        for (const { entity, n } of changed) counts.set(entity, n);
        list = updateTop(list, changed, ENTRIES_MAX);
      }
      list = withoutEntity(list, gone);
      counts.delete(gone);
      assert.ok(!encodeTop(list).includes(`"${gone}"`));
      assert.deepEqual(
        list.entries.slice(0, certainEntries(list)),
        ranking(counts).slice(0, certainEntries(list)),
      );
      assert.deepEqual(decodeTop(encodeTop(list)), list);
    }),
  );
});

test('only what concerns a list can change what it is certain of', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 12 }), changes, (history, last) => {
      let list = EMPTY_TOP;
      for (const changed of history) list = updateTop(list, changed, ENTRIES_MAX);
      const [some, all] = [last.filter(concerns(list)), last].map((changed) => {
        const next = updateTop(list, changed, ENTRIES_MAX);
        return { certain: next.entries.slice(0, certainEntries(next)), outside: next.outside };
      });
      assert.deepEqual(some, all);
    }),
  );
});

test('the same changes again, and in other batches, change no answer', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 8 }), changes, (history, last) => {
      let list = EMPTY_TOP;
      for (const changed of history) list = updateTop(list, changed, ENTRIES_MAX);
      const once = updateTop(list, last, ENTRIES_MAX);
      assert.deepEqual(updateTop(once, last, ENTRIES_MAX), once);
    }),
  );
});

test('a list from which the leaders fell says that it does not know', () => {
  const leaders = ['a', 'b', 'c', 'd'].map((entity) => ({ entity, n: 10n }));
  const full = updateTop(EMPTY_TOP, [...leaders, { entity: 'z', n: 5n }], 4);
  assert.deepEqual(topOf(full, 4), leaders);
  const fallen = updateTop(full, [{ entity: 'a', n: 1n }], 4);
  assert.deepEqual(topOf(fallen, 3), leaders.slice(1));
  assert.equal(topOf(fallen, 4), undefined, 'z, outside, may be the fourth, and is');
});
