// The counters' hours that a segment touches: nothing left out, nothing twice, in chunks that fit an item.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeTouched,
  encodeTouched,
  InvalidTouchedCounters,
} from '../../lambdas/counting/touched-counters.ts';

const row = fc.record({
  bucket: fc.constantFrom(
    '2026-11-22T05',
    '2026-11-22T05:30',
    '2026-11-22T05~1',
    '2026-11-22T06:15~3z',
    '1970-01-01T00',
  ),
  metric: fc.constantFrom('a', 'view', 'view.2'),
  entity: fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }),
});
const named = (metric: string, entity: string, hourMs: number) => JSON.stringify([metric, entity, hourMs]);

test('what rows touch reads back, each hour of a counter once, from chunks of any size', () => {
  fc.assert(
    fc.property(fc.array(row), fc.integer({ min: 40, max: 400 }), (rows, chunkBytes) => {
      const wanted = new Set(
        rows.map(({ bucket, metric, entity }) =>
          named(metric, entity, Date.parse(`${bucket.slice(0, 13)}:00:00Z`)),
        ),
      );
      const chunks = encodeTouched(rows, chunkBytes);
      const found = chunks.flatMap((chunk) =>
        [...decodeTouched(chunk)].map(({ metric, entity, hourMs }) => named(metric, entity, hourMs)),
      );
      for (const chunk of chunks) assert.equal(JSON.stringify(JSON.parse(chunk)), chunk);
      assert.equal(found.length, wanted.size);
      assert.deepEqual(new Set(found), wanted);
      for (const chunk of chunks) {
        const single = [...decodeTouched(chunk)].length === 1;
        assert.ok(single || Buffer.byteLength(chunk) <= chunkBytes, `${Buffer.byteLength(chunk)} bytes`);
      }
    }),
  );
});

test('no rows have no chunks, and what is no chunk is refused', () => {
  assert.deepEqual(encodeTouched([]), []);
  for (const chunk of ['{}', '[1]', '[[1,"a"]]', '[[1,"a","b"]]'])
    assert.throws(() => [...decodeTouched(chunk)], InvalidTouchedCounters);
});
