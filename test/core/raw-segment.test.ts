// A segment's raw records as text and back: byte for byte, the same at every attempt, findable by every hour they arrived in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeRecord } from '../../lambdas/core/event.ts';
import { parseSequenceNumber, parseShardKey, segmentId } from '../../lambdas/core/identifiers.ts';
import {
  InvalidRawObject,
  rawHourPrefix,
  rawKey,
  rawLine,
  rawObject,
  rawPlaceIn,
  readRawObject,
  streamRecord,
} from '../../lambdas/core/raw-segment.ts';
import type { RollupConfig, StreamRecord } from '../../lambdas/core/segment.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { CONFIG } from '../support/records.ts';

const SEGMENT = segmentId(parseShardKey('1.3'), 98);
const FIVE = Date.UTC(2026, 10, 22, 5);
const PLAN = { ancestors: [], config: CONFIG };

function record(sequence: number, arrivalMs: number, data: Uint8Array): StreamRecord {
  const sequenceNumber = parseSequenceNumber(String(sequence));
  return { sequenceNumber, arrivalMs, data, ...decodeRecord(data, arrivalMs) };
}

const anyRecords = fc
  .array(
    fc.record({
      arrivalMs: fc.integer({ min: FIVE, max: FIVE + 3 * HOUR_MS }),
      data: fc.oneof(
        fc.uint8Array({ maxLength: 60, size: 'max' }),
        fc
          .record({ id: fc.string(), metric: fc.constant('view'), entity: fc.string() })
          .map((event) => Buffer.from(JSON.stringify(event))),
      ),
    }),
    { minLength: 1, maxLength: 20, size: 'max' },
  )
  .map((all) => all.map(({ arrivalMs, data }, at) => record(at + 1, arrivalMs, data)));

test('any records read back byte for byte, and decode to the same events', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const { text, digest } = rawObject(SEGMENT, PLAN, records);
      const raw = readRawObject(text);
      assert.deepEqual([raw.segment, raw.digest, raw.config, raw.ancestors], [SEGMENT, digest, CONFIG, []]);
      assert.deepEqual(
        raw.records.map(streamRecord).map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
        records.map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
      );
    }),
  );
});

test('a segment is found by every hour of its arrivals, and stored under the first', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const { key, markers } = rawObject(SEGMENT, PLAN, records);
      const hours = new Set(records.map(({ arrivalMs }) => rawHourPrefix(arrivalMs - (arrivalMs % HOUR_MS))));
      assert.deepEqual(
        [key, ...markers].map((name) => name.slice(0, 'raw/2026/11/22/05/'.length)),
        [...hours].sort(),
      );
      const leastMs = Math.min(...records.map(({ arrivalMs }) => arrivalMs));
      // The ledger's entry has no more than the least arrival.
      assert.equal(key, rawKey({ segment: SEGMENT, hourMs: leastMs }));
      assert.deepEqual(rawPlaceIn(key), { segment: SEGMENT, hourMs: leastMs - (leastMs % HOUR_MS) });
      assert.deepEqual(
        markers.map(rawPlaceIn),
        markers.map(() => undefined),
      );
    }),
  );
});

test('a configuration read from the ledger in another order gives the same text', () => {
  const reordered = Object.fromEntries(Object.entries(CONFIG).reverse()) as unknown as RollupConfig;
  const records = [record(1, FIVE, Buffer.from('{}'))];
  assert.deepEqual(
    rawObject(SEGMENT, { ...PLAN, config: reordered }, records),
    rawObject(SEGMENT, PLAN, records),
  );
});

test('keys and lines are what the documents say', () => {
  const records = [
    record(7, FIVE + HOUR_MS - 1, Buffer.from('{"a":1}')),
    record(8, FIVE + HOUR_MS, Buffer.from('x')),
  ];
  const ancestors = [{ shard: parseShardKey('1.0'), segment: 5, runMaxMs: FIVE }];
  const { key, markers, text } = rawObject(SEGMENT, { ancestors, config: CONFIG }, records);
  assert.equal(key, 'raw/2026/11/22/05/1.3.2q.ndjson.gz');
  assert.deepEqual(markers, ['raw/2026/11/22/06/1.3.2q.from-2026-11-22T05']);
  const [head, ...lines] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual([head.v, head.segment, head.records, head.ancestors], [1, '1.3.2q', 2, ['1.0']]);
  assert.deepEqual(lines[0], { sequenceNumber: '7', arrivalMs: FIVE + HOUR_MS - 1, data: 'eyJhIjoxfQ==' });
});

test('an invalid object is refused: truncated, a record missing, another format, not lines of JSON', () => {
  const { text } = rawObject(SEGMENT, PLAN, [
    record(1, FIVE, Buffer.from('a')),
    record(2, FIVE, Buffer.from('b')),
  ]);
  const [head = '', one = ''] = text.split('\n');
  for (const bad of [
    '',
    text.slice(0, -1),
    `${head}\n${one}\n`,
    text.replace('"v":1', '"v":2'),
    text.replace('"data":"YQ=="', '"data":7'),
    `${head}\nhello\nhello\n`,
    text.replace(SEGMENT, 'segment'),
  ])
    assert.throws(() => readRawObject(bad), InvalidRawObject, bad);
});

test('a record whose events were all deleted has no events', () => {
  const { text } = rawObject(SEGMENT, PLAN, [record(1, FIVE, Buffer.from('{}'))]);
  const [head = ''] = text.split('\n');
  const raw = readRawObject(`${head}\n${rawLine('1', FIVE, new Uint8Array(), true)}\n`);
  assert.deepEqual(raw.records.map(streamRecord)[0]?.events, []);
});
