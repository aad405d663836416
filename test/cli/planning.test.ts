// The pure parts of resuming: ranges, batches around what is done, journals, ids.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchPlanner, type PlannedBatch } from '../../cli/import/planner.ts';

import {
  applyEntry,
  batchName,
  type Entry,
  type ImportState,
  keyOf,
  newState,
  parseJournal,
  snapshotLine,
  withRange,
} from '../../cli/source/state.ts';
import { batchKey } from '../../formats/batches.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import type { FileRecord } from '../../formats/records.ts';
import { entityProblem } from '../../formats/select.ts';

const key = { identity: 'i', headBytes: 1, label: '', service: 's', metric: 'view' };
const plan: ReadingPlan = { format: 'combined', unwrap: 'none', entity: 'path', timeUnit: 'auto', where: [] };
const empty = newState(key, plan, 'file');

const range = fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 10 })).map(([from, length]) => ({
  from,
  to: from + length,
  // The checksum at an offset is a function of the offset.
  crc: (from + length) * 7,
}));

test('ranges: any order of adding gives the same, sorted, disjoint, covering the same bytes', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12, size: 'max' }), (ranges) => {
      const joined = ranges.reduce(withRange, []);
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

/** A record at each multiple of ten; every third is not an event. */
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
  const event = { kind: 'event', metric: 'view', entity: String(i), at: 1_793_707_200_000 } as const;
  return {
    line,
    end: { offset: end, crc: end, lines: i + 1 },
    terminated: true,
    outcomes: [i % 3 === 2 ? { kind: 'skipped' } : event],
  };
}

const eventsOf = ({ parts }: PlannedBatch) => parts.flat().map(({ entity }) => Number(entity));

function plannedBatches(state: ImportState, count: number): PlannedBatch[] {
  const planner = new BatchPlanner(state, {
    events: 4,
    bytes: 1_000_000,
    stretchBytes: 1_000_000,
  });
  const batches: PlannedBatch[] = [];
  for (let i = 0; i < count; i += 1) {
    planner.add(record(i));
    batches.push(...planner.take());
  }
  planner.end();
  return [...batches, ...planner.take()];
}

test('batches: after any earlier runs, each event is sent once, and begun batches unchanged', () => {
  const fate = fc.constantFrom('ok', 'begun', 'untouched');
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fate, { maxLength: 20, size: 'max' }),
      fc.nat(8),
      (count, fates, more) => {
        let state = empty;
        const settled: number[] = [];
        const begun: PlannedBatch[] = [];
        for (const [i, batch] of plannedBatches(empty, count).entries()) {
          const [from, to] = [batch.from.offset, batch.to.offset];
          const what = fates[i] ?? 'untouched';
          if (what === 'untouched') continue;
          state = applyEntry(state, { t: 'send', from, to, crc: batch.to.crc, since: 5 });
          if (what === 'begun') begun.push({ ...batch, since: 5 });
          else {
            state = applyEntry(state, { t: 'ok', from, accepted: 1, at: 9 });
            settled.push(...eventsOf(batch));
          }
        }
        // The file may have grown.
        const batches = plannedBatches(state, count + more);
        const all = Array.from({ length: count + more }, (_, i) => i).filter((i) => i % 3 !== 2);
        assert.deepEqual(
          [...batches.flatMap(eventsOf), ...settled].toSorted((a, b) => a - b),
          all,
        );
        for (const one of begun)
          assert.deepEqual(
            batches.find(({ key: name }) => name === one.key),
            one,
          );
        let end = 0;
        for (const { from, to } of batches) {
          assert.ok(from.offset >= end && to.offset > from.offset);
          end = to.offset;
        }
      },
    ),
  );
});

test('a journal reads the same after a restart, and after losing a truncated line', () => {
  const entries: Entry[] = [
    { t: 'send', from: 0, to: 40, crc: 4, since: 100 },
    { t: 'send', from: 40, to: 80, crc: 8, since: 100 },
    { t: 'none', from: 40 },
    { t: 'ok', from: 0, accepted: 3, at: 200 },
    { t: 'send', from: 80, to: 90, crc: 9, since: 300 },
    { t: 'abandon', from: 80 },
    { t: 'end', to: 90, crc: 9 },
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
  assert.deepEqual(state.open, [{ from: 40, to: 80, crc: 8 }]);
  assert.throws(() => parseJournal('{"a":1}\n', 'f'), /not an import state/);
  assert.throws(() => parseJournal(`${snapshotLine(empty)}garbage\n`, 'f'), /damaged in line 2/);
});

test('keys of batches depend only on content, label, metric and place', () => {
  const head = Buffer.from('first lines');
  const name = (bytes: Buffer, metric = 'view', label = '', service = 's') =>
    batchName(keyOf(bytes, { service, metric, label }));
  assert.equal(name(head), name(Buffer.from('first lines'), 'view', '', 'another service'));
  const at = { offset: 0, crc: 1, lines: 0 };
  const keys = [
    batchKey(name(head), at),
    batchKey(name(head), { ...at, crc: 2 }),
    batchKey(name(head), { ...at, offset: 1 }),
    batchKey(name(head, 'hit'), at),
    batchKey(name(head, 'view', 'web2'), at),
    batchKey(name(head.subarray(1)), at),
  ];
  assert.equal(new Set(keys).size, keys.length);
  // The client's limit, with room for the part of a batch.
  assert.ok(
    batchKey(name(head), { offset: Number.MAX_SAFE_INTEGER, crc: 0xffffffff, lines: 0 }).length <= 90,
  );
});

test('events are checked by the API’s own rules', () => {
  assert.equal(entityProblem('/a b/😀'), undefined);
  assert.equal(entityProblem('😀'.repeat(512)), undefined);
  assert.match(entityProblem('😀'.repeat(513)) ?? '', /longer than 512/);
  assert.match(entityProblem('') ?? '', /empty/);
  for (const bad of ['a\u0000', '\u001f', '\u007f', '\u009f'])
    assert.match(entityProblem(bad) ?? '', /control/);
});
