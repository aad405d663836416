import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { SegmentIds, ShardWindow, WindowHole } from '../../lambdas/core/dedup-window.ts';
import { hashEventId, ID_BYTES, SeenIds } from '../../lambdas/core/seen-ids.ts';
import { packIds } from '../support/packed-ids.ts';

function hashOf(id: string) {
  const hash = { high: 0, low: 0 };
  hashEventId(id, hash);
  return hash;
}

test("an id's hash is the first 64 bits of its SHA-256, whatever its characters", () => {
  for (const id of ['a', 'é', '😀', '\u0000', 'x'.repeat(128)]) {
    const digest = createHash('sha256').update(id).digest();
    assert.deepEqual(hashOf(id), { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) });
  }
});

test('seen ids behave like a map from id to latest segment, growing and forgetting', () => {
  const half = fc.integer({ min: 0, max: 3 });
  // Without a size, fast-check generates some ten elements at most, and the table would never grow.
  const notes = fc.array(fc.tuple(half, fc.nat(900), fc.integer({ min: 1, max: 9 })), {
    maxLength: 3000,
    size: 'max',
  });
  fc.assert(
    fc.property(notes, fc.integer({ min: 1, max: 10 }), (noted, forgetBefore) => {
      const seen = new SeenIds();
      const model = new Map<string, number>();
      for (const [high, low, segment] of noted) {
        seen.note(high, low, segment);
        const key = `${high}/${low}`;
        model.set(key, Math.max(model.get(key) ?? 0, segment));
      }
      assert.equal(seen.size, model.size);
      for (const [high, low] of noted) {
        assert.equal(seen.latestSegment({ high, low }), model.get(`${high}/${low}`));
      }
      seen.forgetBefore(forgetBefore);
      for (const [key, segment] of model) {
        const [high, low] = key.split('/').map(Number) as [number, number];
        assert.equal(seen.latestSegment({ high, low }), segment >= forgetBefore ? segment : 0);
      }
      assert.equal(seen.latestSegment({ high: 4, low: 0 }), 0);
    }),
    { numRuns: 30 },
  );
});

test('a segment packs each of its ids once, 8 bytes each', () => {
  const ids = Array.from({ length: 5000 }, (_, index) => `id-${index}`);
  const packed = packIds([...ids, ...ids]);
  assert.equal(packed.byteLength, ids.length * ID_BYTES);
  const segment = new SegmentIds();
  assert.equal(segment.add(hashOf('a')), true);
  assert.equal(segment.add(hashOf('a')), false);
});

test('the window reaches back over segments by the running maximum of arrivals', () => {
  const window = new ShardWindow();
  window.add(1, 1000, packIds(['one']));
  window.add(2, 5000, packIds(['two']));
  window.add(3, 5000, packIds(['three'])); // its own records arrived earlier; the running maximum never steps back
  window.add(4, 9000, packIds(['four', 'one']));
  const seen = (id: string, sinceMs: number) => window.since(sinceMs).seen(hashOf(id));
  assert.deepEqual(
    ['one', 'two', 'three', 'four', 'five'].map((id) => seen(id, 5000)),
    [true, true, true, true, false],
  );
  assert.equal(seen('two', 5001), false);
  assert.equal(seen('one', 5001), true);
  assert.equal(seen('four', 9001), false);
});

test('a window built warm, cold, or cold and then backwards answers the same', () => {
  const segments = fc.array(
    fc.record({ ids: fc.array(fc.nat(40), { maxLength: 6, size: 'max' }), arrivalMs: fc.nat(2_000) }),
    { minLength: 1, maxLength: 400, size: 'max' },
  );
  fc.assert(
    fc.property(
      segments,
      fc.array(fc.nat(2_100), { minLength: 1, maxLength: 8, size: 'max' }),
      fc.nat(399),
      (all, sinces, cut) => {
        let runMaxMs = 0;
        const entries = all.map(({ ids, arrivalMs }, index) => {
          runMaxMs = Math.max(runMaxMs, arrivalMs);
          return { segment: index + 1, runMaxMs, ids, packed: packIds(ids.map(String)) };
        });
        const warm = new ShardWindow();
        for (const { segment, runMaxMs, packed } of entries) warm.add(segment, runMaxMs, packed);
        const backwards = new ShardWindow();
        const from = Math.min(cut, entries.length - 1);
        for (const { segment, runMaxMs, packed } of entries.slice(from))
          backwards.add(segment, runMaxMs, packed);
        for (const { segment, runMaxMs, packed } of entries.slice(0, from).reverse()) {
          backwards.add(segment, runMaxMs, packed);
        }
        for (const sinceMs of sinces.sort((a, b) => a - b)) {
          const inside = new Set(entries.flatMap(({ ids, runMaxMs }) => (runMaxMs >= sinceMs ? ids : [])));
          for (let id = 0; id <= 40; id += 1) {
            const expected = inside.has(id);
            assert.equal(backwards.since(sinceMs).seen(hashOf(String(id))), expected);
            assert.equal(warm.since(sinceMs).seen(hashOf(String(id))), expected);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a window that forgot old segments knows that it does not reach back to them', () => {
  const window = new ShardWindow();
  for (let segment = 1; segment <= 100; segment += 1)
    window.add(segment, segment * 10, packIds([`id-${segment}`]));
  window.since(990);
  assert.ok(window.from > 1);
  assert.equal(window.reachesBackTo(990), true);
  assert.equal(window.reachesBackTo(10), false);
});

test('a hole in a window is refused', () => {
  const window = new ShardWindow();
  window.add(5, 50, packIds([]));
  assert.throws(() => window.add(7, 70, packIds([])), WindowHole);
  assert.throws(() => window.add(3, 30, packIds([])), WindowHole);
});
