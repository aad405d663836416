import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isSamePlan,
  leadingSegment,
  plannedRecords,
  planSegment,
  recordsAfter,
  SEGMENT_EVENTS_MAX,
} from '../../lambdas/core/segment.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';

const positions = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => record(from + index, {}, ARRIVAL_MS + from + index));

test('a plan names its range, and keeps the running maximum of arrivals', () => {
  const records = [record(1, {}, 500), record(2, {}, 300), record(3, {}, 400)];
  const first = planSegment(undefined, records, CONFIG, []);
  assert.deepEqual(
    [first.segment, first.first, first.last, first.records, first.status],
    [1, records[0]?.sequenceNumber, records[2]?.sequenceNumber, 3, 'planned'],
  );
  assert.deepEqual([first.minArrivalMs, first.runMaxBeforeMs, first.runMaxMs], [300, 0, 500]);
  const second = planSegment({ ...first, status: 'sent' }, [record(4, {}, 350)], CONFIG, []);
  assert.deepEqual([second.segment, second.runMaxBeforeMs, second.runMaxMs], [2, 500, 500]);
});

test('a shard keeps the ancestors it began with', () => {
  const [ancestor] = positions(1, 1).map(({ arrivalMs }) => ({
    shard: '1.9' as never,
    segment: 4,
    runMaxMs: arrivalMs,
  }));
  assert.ok(ancestor);
  const first = planSegment(undefined, positions(1, 2), CONFIG, [ancestor]);
  const second = planSegment({ ...first, status: 'sent' }, positions(3, 4), CONFIG, []);
  assert.deepEqual(second.ancestors, [ancestor]);
});

test('new records are those after the last segment, for any batch', () => {
  const batch = positions(3, 9);
  const last = (position: number) => record(position, {}).sequenceNumber;
  assert.equal(recordsAfter(batch, undefined).length, 7);
  assert.deepEqual(recordsAfter(batch, last(2)), batch);
  assert.deepEqual(recordsAfter(batch, last(6)), batch.slice(4));
  assert.deepEqual(recordsAfter(batch, last(9)), []);
  assert.deepEqual(recordsAfter(batch, last(12)), []);
});

test('a segment ends before it has too many events, and has at least one record', () => {
  const batch = (events: number, position: number) =>
    record(
      position,
      Array.from({ length: events }, () => ({})),
    );
  const records = [9000, 9000, 9000, 9000, 4000, 1].map((size, index) => batch(size, index + 1));
  assert.equal(leadingSegment(records).length, 5);
  const events = leadingSegment(records).reduce((sum, { events }) => sum + events.length, 0);
  assert.equal(events, SEGMENT_EVENTS_MAX);
  assert.equal(leadingSegment(records.slice(0, 1)).length, 1);
});

test('a batch covers a plan only with every planned record', () => {
  const plan = planSegment(undefined, positions(3, 6), CONFIG, []);
  assert.deepEqual(plannedRecords(plan, positions(1, 9)), positions(3, 6));
  assert.equal(plannedRecords(plan, positions(4, 9)), undefined);
  assert.equal(plannedRecords(plan, positions(1, 5)), undefined);
  assert.equal(plannedRecords(plan, []), undefined);
  const hole = positions(1, 9).filter((_, index) => index !== 4);
  assert.equal(plannedRecords(plan, hole), undefined);
});

test('a plan is recognised as its own by everything that determines its output', () => {
  const plan = planSegment(undefined, positions(3, 6), CONFIG, []);
  assert.equal(isSamePlan(structuredClone(plan), plan), true);
  const others = [
    { ...plan, status: 'sent' as const },
    { ...plan, segment: 2 },
    { ...plan, records: 3 },
    { ...plan, version: 0 },
    { ...plan, config: { ...CONFIG, slotBits: 3 } },
    { ...plan, config: { ...CONFIG, dedupWindowMs: 1 } },
    planSegment(undefined, positions(3, 7), CONFIG, []),
    planSegment(undefined, positions(2, 6), CONFIG, []),
  ];
  for (const other of others) assert.equal(isSamePlan(other, plan), false);
});
