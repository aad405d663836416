import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { segmentId } from '../../lambdas/core/identifiers.ts';
import {
  decodeRollupMessage,
  encodeMessages,
  InvalidRollupMessage,
} from '../../lambdas/core/rollup-message.ts';
import { decodeRows, encodeRows } from '../../lambdas/core/rows.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { ARRIVAL_HOUR, messageOf, messagesOf, rowOf } from '../support/messages.ts';
import { ARRIVAL_MS, SHARD_KEY } from '../support/records.ts';

test('a message reads back as it was written, on ASCII', () => {
  const row = rowOf('é😀\u2028"\\', 2);
  const { segment, parts, body } = messageOf(7, [row]);
  assert.deepEqual([segment, parts], ['1.0.7', [0]]);
  assert.match(body, /^[\x20-\x7e]+$/);
  const { deltas, ...content } = decodeRollupMessage(body);
  assert.deepEqual(content, { segment, earliestHourMs: ARRIVAL_HOUR * HOUR_MS });
  assert.deepEqual(
    deltas.map(({ rows, ...delta }) => ({ ...delta, rows: decodeRows(rows) })),
    [{ segment, runMaxMs: ARRIVAL_MS, part: 0, range: '', events: 1, rows: [row] }],
  );
});

test('deltas fill messages; one that is larger than a message has one of its own', () => {
  assert.deepEqual(encodeMessages([], 0), []);
  const segment = segmentId(SHARD_KEY, 7);
  const random = (index: number) => hash('sha512', `${index}`, 'hex').repeat(2);
  const rows = Array.from({ length: 3_000 }, (_, index) => rowOf(random(index)));
  const messages = messagesOf(segment, rows);
  assert.ok(messages.length > 1);
  assert.deepEqual(
    messages.flatMap(({ parts }) => parts),
    messages.flatMap(({ body }) => decodeRollupMessage(body).deltas.map(({ part }) => part)),
  );
  for (const { body, parts } of messages)
    assert.ok(parts.length === 1 || body.length <= 60_200, `${body.length}`);
});

test('poison is distinguished from a message, with the reason', () => {
  const rows = Buffer.from(encodeRows([rowOf('/a')])).toString('base64');
  const good = { v: 2, segment: '1.0.7', runMaxMs: 5, earliestHourMs: 0, deltas: [[0, '', 1, rows]] };
  assert.equal(decodeRollupMessage(JSON.stringify(good)).deltas.length, 1);
  const poison: [unknown, RegExp][] = [
    ['', /not JSON/],
    [null, /not an object/],
    [{ ...good, v: 1 }, /version 1/],
    [{ ...good, segment: 'x' }, /"x" is not a segment id/],
    [{ ...good, runMaxMs: -1 }, /runMaxMs/],
    [{ ...good, earliestHourMs: 'x' }, /earliestHourMs/],
    [{ ...good, deltas: [] }, /deltas/],
    [{ ...good, deltas: [[]] }, /delta 0: not an array of four/],
    [{ ...good, deltas: [[-1, '', 1, rows]] }, /delta 0: part/],
    [{ ...good, deltas: [[0, '012', 1, rows]] }, /delta 0: no hash range/],
    [{ ...good, deltas: [[0, '', 0, rows]] }, /delta 0: events/],
    [{ ...good, deltas: [[0, '', 1, 'ä']] }, /delta 0: no rows/],
  ];
  for (const [value, reason] of poison) {
    const body = typeof value === 'string' ? value : JSON.stringify(value);
    assert.throws(
      () => decodeRollupMessage(body),
      { constructor: InvalidRollupMessage, message: reason },
      body,
    );
  }
});
