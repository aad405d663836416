// The pure parts of resuming: ranges, batches around what is done, journals, ids.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { retryAfterMs, waitMs } from '../../importer/backoff.ts';
import { type Batch, BatchPlanner } from '../../importer/batches.ts';
import type { OutgoingEvent } from '../../importer/event.ts';
import { entityProblem } from '../../importer/event.ts';
import { eventIds, fileIdentity } from '../../importer/identity.ts';
import { joinRanges, withRange } from '../../importer/ranges.ts';
import type { FileRecord } from '../../importer/records.ts';
import {
  applyEntry,
  type Entry,
  type ImportState,
  newState,
  parseJournal,
  snapshotLine,
} from '../../importer/state.ts';

const key = { identity: 'i', headBytes: 1, label: '', url: 'http://x', metric: 'view' };
const plan = { format: 'alb', methods: ['GET'], statuses: ['200'] } as const;
const empty = newState(key, plan, 'file');

const range = fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 10 })).map(([from, length]) => ({
  from,
  to: from + length,
  // The checksum at an offset is a function of the offset.
  crc: (from + length) * 7,
}));

test('ranges: any order of adding gives the same, sorted, disjoint, covering the same bytes', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
      const joined = joinRanges(ranges);
      assert.deepEqual(ranges.reduce(withRange, []), joined);
      assert.deepEqual(ranges.toReversed().reduce(withRange, []), joined);
      for (const [i, { from, to, crc }] of joined.entries()) {
        assert.ok(from < to && (joined[i + 1]?.from ?? Number.POSITIVE_INFINITY) > to);
        assert.equal(crc, to * 7);
      }
      const covered = (all: readonly { from: number; to: number }[], byte: number) =>
        all.some(({ from, to }) => byte >= from && byte < to);
      for (let byte = 0; byte < 70; byte += 1) assert.equal(covered(joined, byte), covered(ranges, byte));
    }),
  );
});

/** A record at each multiple of ten; every third is no event. */
function record(i: number): FileRecord {
  const [start, end] = [i * 10, i * 10 + 10];
  const line = {
    number: i + 1,
    start,
    end,
    bytes: Buffer.alloc(9),
    crc: end,
    tooLong: false,
    terminated: true,
  };
  const reading =
    i % 3 === 2 ? ({ kind: 'skipped' } as const) : ({ kind: 'event', entity: 'e', at: 0 } as const);
  return { line, end, crc: end, terminated: true, reading };
}

function event(i: number): OutgoingEvent {
  return { offset: i * 10, lineNumber: i + 1, id: String(i), json: `{"id":"${i}"}` };
}

function plannedBatches(state: ImportState, count: number, eventsMax = 4): Batch[] {
  const planner = new BatchPlanner(state, { eventsMax, bytesMax: 1_000_000 });
  const batches: Batch[] = [];
  for (let i = 0; i < count; i += 1) {
    if (record(i).reading.kind === 'event') planner.place(record(i), () => event(i));
    batches.push(...planner.take());
  }
  planner.end();
  return [...batches, ...planner.take()];
}

test('batches: whatever earlier runs reached, each event goes out once, begun batches as they were', () => {
  const fate = fc.constantFrom('ok', 'begun', 'left', 'untouched');
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fate, { maxLength: 20 }),
      fc.nat(8),
      (count, fates, more) => {
        let state = empty;
        const settled = new Set<number>();
        const begun: Batch[] = [];
        for (const [i, batch] of plannedBatches(empty, count).entries()) {
          const { from, to, crc } = batch;
          const offsets = batch.events.map(({ offset }) => offset);
          const what = fates[i] ?? 'untouched';
          if (what === 'untouched') continue;
          state = applyEntry(state, { t: 'send', from, to, crc, since: 5 });
          if (what === 'begun') begun.push({ ...batch, since: 5 });
          if (what === 'left') {
            const left = offsets.slice(1);
            state = applyEntry(state, { t: 'left', from, offsets: left, accepted: 1, since: undefined });
            settled.add(offsets[0] ?? -1);
            begun.push({ ...batch, since: undefined, events: batch.events.slice(1) });
          }
          if (what === 'ok') {
            state = applyEntry(state, { t: 'ok', from, accepted: offsets.length, rejected: [], at: 9 });
            for (const offset of offsets) settled.add(offset);
          }
        }
        // The file may have grown, and limits may have changed.
        const batches = plannedBatches(state, count + more, 3);
        const sent = batches.flatMap(({ events }) => events.map(({ offset }) => offset));
        const all = Array.from({ length: count + more }, (_, i) => i)
          .filter((i) => i % 3 !== 2)
          .map((i) => i * 10);
        assert.deepEqual(
          [...sent, ...settled].toSorted((a, b) => a - b),
          all,
        );
        for (const one of begun)
          assert.deepEqual(
            batches.find(({ from }) => from === one.from),
            one,
          );
        let end = 0;
        for (const { from, to } of batches) {
          assert.ok(from >= end && to > from);
          end = to;
        }
      },
    ),
  );
});

test('batches keep to both limits, and one event may be larger than the limit', () => {
  const planner = new BatchPlanner(empty, { eventsMax: 100, bytesMax: 60 });
  for (let i = 0; i < 10; i += 1) planner.place(record(i), () => event(i));
  planner.place(record(10), () => ({ ...event(10), json: 'x'.repeat(100) }));
  planner.end();
  const batches = planner.take();
  assert.deepEqual(
    batches.map(({ events }) => events.length),
    [4, 4, 2, 1],
  );
});

test('a journal says the same after a restart, and after losing a line that was cut off', () => {
  const entries: Entry[] = [
    { t: 'send', from: 0, to: 40, crc: 4, since: 100 },
    { t: 'send', from: 40, to: 80, crc: 8, since: 100 },
    { t: 'none', from: 40 },
    { t: 'left', from: 0, offsets: [20], accepted: 3, since: 100 },
    { t: 'ok', from: 0, accepted: 0, rejected: [20], at: 200 },
    { t: 'send', from: 80, to: 90, crc: 9, since: 300 },
    { t: 'abandon', from: 80, offsets: [80] },
  ];
  const state = entries.reduce(applyEntry, empty);
  const text = snapshotLine(empty) + entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  assert.deepEqual(parseJournal(text, 'f'), state);
  assert.deepEqual(parseJournal(`${text}{"t":"se`, 'f'), state);
  assert.deepEqual(parseJournal(snapshotLine(state), 'f'), state);
  assert.deepEqual(state.done, [
    { from: 0, to: 40, crc: 4 },
    { from: 80, to: 90, crc: 9 },
  ]);
  assert.deepEqual(state.open.get(40), { from: 40, to: 80, crc: 8, since: undefined, left: undefined });
  assert.throws(() => parseJournal('{"a":1}\n', 'f'), /not an import state/);
  assert.throws(() => parseJournal(`${snapshotLine(empty)}garbage\n`, 'f'), /damaged in line 2/);
});

test('identities and ids depend on content, label and metric alone', () => {
  const head = Buffer.from('first lines');
  const id = eventIds(fileIdentity(head, ''), 'view');
  assert.equal(id(0, 1), eventIds(fileIdentity(Buffer.from('first lines'), ''), 'view')(0, 1));
  const ids = [
    id(0, 1),
    id(0, 2),
    id(1, 1),
    eventIds(fileIdentity(head, ''), 'hit')(0, 1),
    eventIds(fileIdentity(head, 'web2'), 'view')(0, 1),
    eventIds(fileIdentity(head.subarray(1), ''), 'view')(0, 1),
  ];
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(id(Number.MAX_SAFE_INTEGER, 0xffffffff).length <= 44);
});

test('events are checked by the API’s own rules', () => {
  assert.equal(entityProblem('/a b/😀'), undefined);
  assert.equal(entityProblem('😀'.repeat(512)), undefined);
  assert.match(entityProblem('😀'.repeat(513)) ?? '', /longer than 512/);
  assert.match(entityProblem('') ?? '', /empty/);
  for (const bad of ['a\u0000', '\u001f', '\u007f', '\u009f'])
    assert.match(entityProblem(bad) ?? '', /control/);
});

test('waiting: full jitter below doubling bounds, never less than asked for', () => {
  const backoff = { baseMs: 100, capMs: 1000 };
  assert.equal(waitMs(backoff, 1, 0.5), 50);
  assert.equal(waitMs(backoff, 3, 0.999), 400);
  assert.equal(waitMs(backoff, 99, 1), 1000);
  assert.equal(waitMs(backoff, 1, 0, 2000), 2000);
  assert.equal(retryAfterMs('3', 0), 3000);
  assert.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:10 GMT', 4000), 6000);
  assert.equal(retryAfterMs('soon', 0), 0);
});
