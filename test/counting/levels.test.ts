// The levels' items: keys, attributes, expiry, the one conditional write; and the cursors along segments.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EXPIRY_GRACE_MS } from '../../lambdas/counting/counter-item.ts';
import {
  ALL_PARTS,
  advance,
  heldByDays,
  START_CURSOR,
  wholePrefix,
} from '../../lambdas/counting/level-cursor.ts';
import {
  changedSums,
  itemStartMs,
  LEVELS,
  levelChangeParams,
  levelExpiresAt,
  levelItemOf,
  levelKey,
  mayBeDeleted,
  startOfLevelKey,
  sumStartMs,
} from '../../lambdas/counting/levels.ts';
import { LATEST_INSTANT_MS } from '../../lambdas/counting/time.ts';

const instant = fc.integer({ min: 0, max: LATEST_INSTANT_MS });

test('keys and attributes of every instant read back', () => {
  fc.assert(
    fc.property(instant, fc.constantFrom(...LEVELS), (atMs, level) => {
      const startMs = itemStartMs(level, atMs);
      const name = { level, metric: 'view', entity: 'x#y', startMs };
      assert.equal(startOfLevelKey(level, levelKey(name).sk), startMs);
      const sums = new Map([[sumStartMs(level, atMs), -7n]]);
      const { UpdateExpression } = levelChangeParams({ name, sums, revision: 0, expiresAt: undefined });
      const attribute = /, (\w+) = /.exec(UpdateExpression)?.[1] ?? '';
      const numberOf = (wanted: string) => (wanted === attribute ? '-7' : wanted === 'rev' ? '3' : undefined);
      const item = levelItemOf(level, startMs, ['pk', 'rev', attribute], numberOf);
      assert.deepEqual(item, { startMs, sums, revision: 3, expiresAt: undefined });
    }),
  );
});

test('keys are these', () => {
  const at = { metric: 'view', entity: '/a' };
  const startMs = Date.UTC(2026, 10, 22);
  assert.deepEqual(levelKey({ ...at, level: 'days', startMs }), { pk: '/a', sk: 'view#D#2026-11-22' });
  assert.equal(levelKey({ ...at, level: 'months', startMs: Date.UTC(2026, 10) }).sk, 'view#M#2026-11');
  assert.equal(levelKey({ ...at, level: 'total', startMs: 0 }).sk, 'view#T');
  assert.equal(startOfLevelKey('days', 'view#H#2026-11-22T05'), undefined);
  assert.equal(startOfLevelKey('days', 'view#M#2026-11'), undefined);
});

test('a change is conditional on the revision that was read, and says only what changed', () => {
  const name = { level: 'days', metric: 'view', entity: '/a', startMs: 0 } as const;
  const item = { startMs: 0, sums: new Map([[0, 5n]]), revision: 4, expiresAt: undefined };
  assert.deepEqual([...changedSums(item, new Map([[0, 5n]]))], []);
  assert.deepEqual([...changedSums(undefined, new Map([[0, 0n]]))], [[0, 0n]], 'something happened');
  const sums = changedSums(
    item,
    new Map([
      [0, 5n],
      [3_600_000, 2n],
    ]),
  );
  assert.deepEqual(levelChangeParams({ name, sums, revision: 4, expiresAt: 9 }), {
    UpdateExpression: 'SET rev = :rev, h01 = :h01, expiresAt = :expiresAt',
    ConditionExpression: 'rev = :read',
    ExpressionAttributeValues: {
      ':rev': { N: '5' },
      ':h01': { N: '2' },
      ':expiresAt': { N: '9' },
      ':read': { N: '4' },
    },
  });
});

test('items expire after the end of their day or month, the total never', () => {
  const retentionsMs = { days: 86_400_000, months: 2 * 86_400_000 };
  const seconds = (iso: string) => (Date.parse(iso) + EXPIRY_GRACE_MS) / 1000;
  const days = levelExpiresAt({ level: 'days', startMs: Date.UTC(2026, 10, 22) }, retentionsMs);
  assert.equal(days, seconds('2026-11-24T00:00Z'));
  const months = levelExpiresAt({ level: 'months', startMs: Date.UTC(2026, 11) }, retentionsMs);
  assert.equal(months, seconds('2027-01-03T00:00Z'));
  assert.equal(levelExpiresAt({ level: 'total', startMs: 0 }, retentionsMs), undefined);
  assert.equal(mayBeDeleted(undefined, Number.MAX_VALUE), false);
  assert.equal(mayBeDeleted(2_000, 1_399_999), false);
  assert.equal(mayBeDeleted(2_000, 1_400_000), true);
});

test('a cursor keeps what was not settled until it is, and claims nothing past it', () => {
  const nothing = { taken: [], again: [], through: 0, interval: 0 };
  const taken = [1, 2, 3, 4].map((segment) => ({ segment, held: segment % 2 === 0 ? ALL_PARTS : 0 }));
  const first = advance(START_CURSOR, { ...nothing, taken, through: 4, interval: 7 });
  const open = (...segments: number[]) => segments.map((segment) => ({ segment, held: 0 }));
  assert.deepEqual(first, { through: 4, open: open(1, 3), interval: 7, revision: 1 });
  assert.deepEqual(
    [1, 2, 5].map((segment) => heldByDays(segment, first)),
    [0, ALL_PARTS, 0],
  );
  assert.equal(
    wholePrefix(first, () => false),
    0,
  );
  assert.equal(
    wholePrefix(first, ({ segment }) => segment === 1),
    2,
    'a lost one is named, not waited for',
  );
  const second = advance(first, {
    ...nothing,
    again: [
      { segment: 1, held: ALL_PARTS },
      { segment: 3, held: 2 },
    ],
  });
  assert.deepEqual(second, { through: 4, open: [{ segment: 3, held: 2 }], interval: 7, revision: 2 });
  assert.equal(
    wholePrefix(advance(second, { ...nothing, again: [{ segment: 3, held: ALL_PARTS }] }), () => false),
    4,
  );
});
