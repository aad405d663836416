import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareRows, decodeRows, encodeRows, InvalidRows, type Row } from '../../lambdas/core/rows.ts';

const row: fc.Arbitrary<Row> = fc.record({
  metric: fc.constantFrom('play', 'view', 'view.page', 'x'),
  entity: fc
    .string({ unit: 'binary', minLength: 1, maxLength: 40, size: 'max' })
    .filter((text) => !text.includes('\0')),
  hour: fc.nat({ max: 500_000 }),
  events: fc.nat(),
  cells: fc
    .array(fc.tuple(fc.nat({ max: 700 }), fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n })), {
      maxLength: 60,
      size: 'max',
    })
    .map((cells) => new Map(cells)),
});

function sortedCells(rows: readonly Row[]) {
  return rows.map((one) => ({ ...one, cells: [...one.cells].sort(([a], [b]) => a - b) }));
}

describe('rows', () => {
  it('come back as they were, in order', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 300, size: 'max' }), (rows) => {
        const sorted = rows.sort(compareRows);
        assert.deepEqual(sortedCells(decodeRows(encodeRows(sorted))), sortedCells(sorted));
      }),
      { numRuns: 30 },
    );
  });

  it('are refused when they are damaged or of another version', () => {
    const bytes = encodeRows([{ metric: 'm', entity: 'e', hour: 1, events: 1, cells: new Map([[3, 4n]]) }]);
    assert.throws(() => decodeRows(Uint8Array.of(2, ...bytes.subarray(1))), InvalidRows);
    assert.throws(() => decodeRows(bytes.subarray(0, bytes.length - 3)), InvalidRows);
    assert.throws(() => decodeRows(new Uint8Array()), InvalidRows);
  });

  it('take few bytes', () => {
    const rows = Array.from({ length: 1000 }, (_, index) => ({
      metric: 'view',
      entity: `/page/${(index * 7_919_191) % 100_000_007}`,
      hour: 490_000,
      events: 1,
      cells: new Map([[17, 1n]]),
    })).sort(compareRows);
    assert.ok(encodeRows(rows).byteLength < 10_000, `${encodeRows(rows).byteLength} bytes`);
  });
});
