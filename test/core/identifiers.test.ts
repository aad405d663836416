import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compareSequenceNumbers,
  InvalidIdentifier,
  parseSegmentId,
  parseSequenceNumber,
  parseShardId,
  segmentId,
  shardIdOf,
  shardKey,
} from '../../lambdas/core/identifiers.ts';

test('sequence numbers compare as numbers, far beyond 2^53', () => {
  const digits = fc.bigInt({ min: 0n, max: 10n ** 56n });
  fc.assert(
    fc.property(digits, digits, (a, b) => {
      const compared = compareSequenceNumbers(parseSequenceNumber(String(a)), parseSequenceNumber(String(b)));
      assert.equal(Math.sign(compared), a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test('a shard and a segment can be parsed from their names', () => {
  fc.assert(
    fc.property(fc.nat(1e9), fc.integer({ min: 1, max: 1e12 }), (number, segment) => {
      const shard = parseShardId(`shardId-${String(number).padStart(12, '0')}`);
      const key = shardKey('1', shard);
      assert.equal(shardIdOf(key), shard);
      const id = segmentId(key, segment);
      assert.deepEqual(parseSegmentId(id), { id, shard: key, segment });
    }),
  );
});

test('two generations of a stream never share a segment id', () => {
  const shard = parseShardId('shardId-000000000003');
  assert.notEqual(segmentId(shardKey('1', shard), 7), segmentId(shardKey('2', shard), 7));
});

test('an invalid identifier is refused', () => {
  for (const text of ['', 'shardId-', 'shardId-3', 'shard-000000000003']) {
    assert.throws(() => parseShardId(text), InvalidIdentifier, text);
  }
  for (const text of ['', '-1', '007', '1e3', '12a']) {
    assert.throws(() => parseSequenceNumber(text), InvalidIdentifier, text);
  }
  for (const text of ['', '1', '1.3', '1.3.', '.3.4', '1.3.Z', '1.3.4.5', '123456789.3.4']) {
    assert.throws(() => parseSegmentId(text), InvalidIdentifier, text);
  }
  assert.throws(() => shardKey('a.b', parseShardId('shardId-000000000003')), InvalidIdentifier);
});
