// How many different counters are among n events: never more than either, growing, and equal to the plain sum.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chanceOf, expectedDistinct, ranksOf } from '../../plan/workload.ts';

const load = fc.record({
  entities: fc.integer({ min: 1, max: 1e8 }),
  skew: fc.double({ min: 0, max: 3, noNaN: true }),
  hotShare: fc.constantFrom(0, 0.01, 0.5, 0.9),
});
// Below a millionth of an event shares of it are no longer exact numbers.
const events = fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1e9, noNaN: true }));
const SLACK = 1 + 1e-9;

test('shares add up to 1, counters to all of them, and the most frequent come first', () => {
  fc.assert(
    fc.property(load, (w) => {
      const ranks = ranksOf(w);
      const shares = ranks.reduce((sum, { counters, share }) => sum + counters * share, 0);
      assert.ok(Math.abs(shares - 1) < 1e-9, `${shares}`);
      const counters = ranks.reduce((sum, rank) => sum + rank.counters, 0);
      assert.equal(counters, w.entities + (w.hotShare > 0 ? 1 : 0));
      for (const [index, { share }] of ranks.entries()) {
        assert.ok(share <= (ranks[index - 1]?.share ?? 1) * SLACK, `rank ${index}`);
      }
    }),
  );
});

test('among n events there are never more different counters than events or counters, and more with more events', () => {
  fc.assert(
    fc.property(load, events, events, (w, a, b) => {
      const ranks = ranksOf(w);
      const [few, many] = [Math.min(a, b), Math.max(a, b)].map((n) => expectedDistinct(ranks, n)) as [
        number,
        number,
      ];
      assert.ok(few <= many * SLACK);
      assert.ok(many <= Math.max(a, b) * SLACK);
      assert.ok(many <= (w.entities + 1) * SLACK);
      assert.ok(few >= 0);
    }),
  );
});

test('groups of ranks give what the sum over all ranks gives', () => {
  for (const skew of [0, 0.7, 1, 1.3, 2]) {
    const entities = 200_000;
    const weights = Array.from({ length: entities }, (_, rank) => (rank + 1) ** -skew);
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    const ranks = ranksOf({ entities, skew, hotShare: 0 });
    for (const n of [1, 100, 7_000, 1e6]) {
      const exact = weights.reduce((sum, weight) => sum + chanceOf(weight / whole, n), 0);
      const grouped = expectedDistinct(ranks, n);
      assert.ok(Math.abs(grouped / exact - 1) < 1e-3, `skew ${skew}, ${n} events: ${grouped}, not ${exact}`);
    }
  }
});

test('drawing events gives about as many different counters as expected', () => {
  const ranks = ranksOf({ entities: 90, skew: 1, hotShare: 0.2 });
  // A fixed sequence: the same draws in every run.
  let state = 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const draw = () => {
    let at = random();
    return ranks.findIndex(({ share }) => {
      at -= share;
      return at < 0;
    });
  };
  const rounds = 2_000;
  let drawn = 0;
  for (let round = 0; round < rounds; round += 1) drawn += new Set(Array.from({ length: 60 }, draw)).size;
  const expected = expectedDistinct(ranks, 60);
  assert.ok(Math.abs(drawn / rounds / expected - 1) < 0.01, `${drawn / rounds}, expected ${expected}`);
});
