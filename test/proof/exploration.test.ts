// The smaller worlds explored to their ends, some with fewer faults than `npx tally explore` gives them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { search } from '../../proof/explore/search.ts';
import type { SmallWorld } from '../../proof/explore/small-world.ts';
import { SMALL_WORLDS } from '../../proof/explore/worlds.ts';
import { LONG } from '../support/long.ts';

/** A word of a world's name, and what is taken away from it. */
const EXPLORED: readonly (readonly [string, Partial<SmallWorld>])[] = [
  ['outlasts the window', { aggregators: 2 }],
  ['arrivals step back', { aggregators: 2 }],
  ['the middle one empty', { aggregatorsAtOnce: 1 }],
  ['the accountant publishes while writers work', { crashes: 0 }],
  ['redrive', { writers: 2, redrivers: 1, errors: 1 }],
  ['merge one epoch', { crashes: 0 }],
  ['stepped over', { accountants: 0, readers: 0 }],
  ['its writer is dead', {}],
  ['counted and has expired', { writers: 0 }],
  ['stalls', { writers: 0 }],
];

/** Those that take seconds. */
const LARGER: typeof EXPLORED = [
  ['time runs out', { aggregatorsAtOnce: 1 }],
  ['one of them behind', { errors: 0 }],
  ['recovered in the same warm container', {}],
  ['hours later', { aggregators: 2 }],
  ['a split of a split', { aggregators: 2 }],
  ['a reader between any two steps', { crashes: 0 }],
  ['late rows', { compactors: 1, hours: 0 }],
  ['a late copy after TTL', { decided: [] }],
];

for (const [word, less] of LONG ? [...EXPLORED, ...LARGER] : EXPLORED) {
  const world = SMALL_WORLDS.find(({ name }) => name.includes(word));
  assert.ok(world, `no world is named "${word}"`);
  test(`${world.name}: every history keeps every promise`, async (t) => {
    const { histories, states, violation } = await search({ ...world, ...less });
    t.diagnostic(`${histories} histories in ${states} states`);
    assert.equal(violation, undefined, JSON.stringify(violation));
    assert.ok(histories > 10n);
  });
}

test('every world has a unique name and says what it shows', () => {
  assert.equal(new Set(SMALL_WORLDS.map(({ name }) => name)).size, SMALL_WORLDS.length);
  for (const { shows } of SMALL_WORLDS) assert.match(shows, /^[A-Za-z].*\.$/);
});
