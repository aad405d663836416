// When an upper level closes its time: also where nothing arrives, before the finer blocks are gone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CompactionState,
  closesBeforeMs,
  INITIAL_STATE,
  isUpperDue,
} from '../../lambdas/core/compaction.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';

const LAST_MS = Date.UTC(2026, 10, 22, 5, 20);

/** Everything that arrived until `LAST_MS` is compacted, and nothing has arrived since. */
function idle(): CompactionState {
  const covers = { through: { '1.0': 3 }, open: [], floorMs: LAST_MS };
  const hours = { ...INITIAL_STATE.hours, epoch: 3, hourEpoch: 3, covers, plannedAtMs: LAST_MS };
  const upper = { ...hours, epoch: 1, closedBeforeMs: LAST_MS - (LAST_MS % HOUR_MS) };
  return { ...INITIAL_STATE, hours, days: upper };
}

test('the floor closes what is before it, and after a day the clock does', () => {
  assert.equal(closesBeforeMs('days', idle(), LAST_MS + HOUR_MS), Date.UTC(2026, 10, 22, 5));
  assert.equal(closesBeforeMs('days', idle(), LAST_MS + 3 * DAY_MS), Date.UTC(2026, 10, 24, 5));
  assert.equal(closesBeforeMs('all', idle(), LAST_MS + 30 * DAY_MS), Date.UTC(2026, 11, 1));
});

test('a level without anything new is due once a day, as long as that closes something', () => {
  assert.equal(isUpperDue(idle(), 'days', 0, LAST_MS + DAY_MS - 1, 1_000), false);
  assert.equal(isUpperDue(idle(), 'days', 0, LAST_MS + 2 * DAY_MS, 1_000), true);
  assert.equal(isUpperDue(INITIAL_STATE, 'days', 0, LAST_MS, 1_000), false);
});

test('many late rows make a level due until it has merged them, and no longer', () => {
  const was = idle();
  // A new epoch of the hours, a minute after the last one of the days, which was dear.
  const hours = { ...was.hours, epoch: 4, hourEpoch: 4, events: 1 };
  const days = { ...was.days, writeUnits: 1_000, closedBeforeMs: LAST_MS };
  const due = (epoch: number) => {
    const late = { ...was.late, days: { epoch, bytes: 1e9 } };
    return isUpperDue({ ...was, hours, days, late }, 'days', 0, LAST_MS + 60_000, 1_000);
  };
  assert.deepEqual([due(3), due(4)], [false, true]);
});
