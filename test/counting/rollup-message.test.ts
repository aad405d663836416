import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentId } from '../../lambdas/counting/identifiers.ts';
import {
  decodeRollupMessage,
  encodeParts,
  InvalidRollupMessage,
} from '../../lambdas/counting/rollup-message.ts';
import { SHARD_KEY } from '../support/records.ts';

const ID = segmentId(SHARD_KEY, 7);
const row = { bucket: '2026-11-22T05', metric: 'view', entity: 'é😀\u2028"\\', events: 2, minutes: { 7: 2 } };

test('a message reads back as it was written, on ASCII', () => {
  const [part] = encodeParts(ID, [row], { bucketMinutes: 60, partBytesMax: 1000 });
  assert.ok(part);
  assert.match(part.message.body, /^[\x20-\x7e]+$/);
  assert.deepEqual(decodeRollupMessage(part.message.body), {
    segment: ID,
    part: 0,
    bucketMinutes: 60,
    rows: [row],
  });
});

test('a body is JSON as JSON.stringify writes it, but for what is not ASCII', () => {
  const rows = [
    { ...row, minutes: { 59: -3, 7: 2, 10: 0 } },
    { ...row, bucket: '2026-11-22T05:15~3' },
  ];
  const [part] = encodeParts(ID, rows, { bucketMinutes: 15, partBytesMax: 1000 });
  const lists = rows.map(({ bucket, metric, entity, events, minutes }) => [
    ...[bucket, metric, entity, events, minutes],
  ]);
  const body = JSON.stringify({ v: 1, segment: ID, part: 0, bucketMinutes: 15, rows: lists });
  const escaped = body.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  assert.equal(part?.message.body, escaped);
});

test('no rows, no message; a row too large for a part has one of its own', () => {
  assert.deepEqual(encodeParts(ID, [], { bucketMinutes: 60, partBytesMax: 1000 }), []);
  const large = { ...row, entity: '😀'.repeat(512) };
  const parts = encodeParts(ID, [row, large, row], { bucketMinutes: 60, partBytesMax: 1000 });
  assert.deepEqual(
    parts.map(({ message }) => message.part),
    [0, 1, 2],
  );
});

test('poison is told from a message, with what is wrong with it', () => {
  const good = {
    v: 1,
    segment: '1.0.7',
    part: 0,
    bucketMinutes: 60,
    rows: [['2026-11-22T05', 'view', '/a', 1, { 7: 1 }]],
  };
  assert.equal(decodeRollupMessage(JSON.stringify(good)).rows.length, 1);
  const poison: [unknown, RegExp][] = [
    ['', /not JSON/],
    [null, /not an object/],
    [{ ...good, v: 2 }, /version 2/],
    [{ ...good, segment: 'x' }, /"x" is not a segment id/],
    [{ ...good, part: -1 }, /part/],
    [{ ...good, bucketMinutes: 7 }, /bucketMinutes/],
    [{ ...good, rows: [] }, /rows/],
    [{ ...good, rows: [[]] }, /row 0: not an array of five/],
    [{ ...good, rows: [['05', 'view', '/a', 1, { 7: 1 }]] }, /row 0: no bucket/],
    [{ ...good, rows: [['2026-11-22T05', '', '/a', 1, { 7: 1 }]] }, /row 0: no metric/],
    [{ ...good, rows: [['2026-11-22T05', 'view', '', 1, { 7: 1 }]] }, /row 0: no entity/],
    [{ ...good, rows: [['2026-11-22T05', 'view', '/a', 0, { 7: 1 }]] }, /row 0: events/],
    [{ ...good, rows: [['2026-11-22T05', 'view', '/a', 1, {}]] }, /row 0: minutes/],
    [{ ...good, rows: [['2026-11-22T05', 'view', '/a', 1, { 60: 1 }]] }, /row 0: minutes/],
    [{ ...good, rows: [['2026-11-22T05', 'view', '/a', 1, { 7: 0.5 }]] }, /row 0: minutes/],
  ];
  for (const [value, reason] of poison) {
    const body = typeof value === 'string' ? value : JSON.stringify(value);
    assert.throws(
      () => decodeRollupMessage(body),
      (error) => error instanceof InvalidRollupMessage && reason.test(error.message),
      body,
    );
  }
});
