// The accounts by hour of arrival: complete for the last 48 hours, dropped before, and a check that can fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Checkpoint, EMPTY_CHECKPOINT, moveForward } from '../../lambdas/core/checkpoint.ts';
import { HOURS_KEPT, hourDifference, hoursWith, NO_HOURS } from '../../lambdas/core/hour-accounts.ts';
import {
  hourConservationDifference,
  type PipelineStatus,
  pipelineStatus,
  shardAccounts,
  withLastHours,
} from '../../lambdas/core/pipeline-status.ts';
import { planSegment } from '../../lambdas/core/segment.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import { requestedHours } from '../../lambdas/query/parameters.ts';
import { entry, movedThrough } from '../support/entries.ts';
import { CONFIG, record, SHARD_KEY } from '../support/records.ts';

const HOUR = Date.UTC(2026, 10, 20, 0);
const plan = planSegment(undefined, [record(1, {})], CONFIG, []);

/** The status of one shard whose entries these are, after its checkpoint was moved as far as `through`. */
function statusOf(entries: readonly SegmentEntry[], checkpoint: Checkpoint): PipelineStatus {
  const unsettled = entries.filter(
    ({ segment }) => segment > checkpoint.through || checkpoint.open.includes(segment),
  );
  const runMaxMs = entries.at(-1)?.runMaxMs ?? 0;
  return pipelineStatus([shardAccounts(SHARD_KEY, { ...plan, runMaxMs }, checkpoint, unsettled)]);
}

const acked = { acked: new Set([0]) };
const at = (hours: number) => ({ runMaxMs: HOUR + hours * HOUR_MS, runMaxBeforeMs: HOUR + hours * HOUR_MS });

test('a segment belongs to the hour of its running maximum, settled or not', () => {
  const entries = [
    entry(1, [5], { ...acked, ...at(0) }),
    entry(2, [7], at(0)),
    entry(3, [9], { ...at(2.5), parked: new Set([0]) }),
  ];
  const checkpoint = moveForward(EMPTY_CHECKPOINT, [], entries);
  const { hours, hoursSince } = statusOf(entries, checkpoint);
  assert.equal(hoursSince, null);
  const row = { duplicate: 0, rejected: 0, dead: 0, expired: 0, lost: 0, difference: 0 };
  assert.deepEqual(hours, [
    { ...row, hour: '2026-11-20T00', received: 12, counted: 5, inFlight: 7, parked: 0 },
    { ...row, hour: '2026-11-20T02', received: 9, counted: 0, inFlight: 0, parked: 9 },
  ]);
});

test('the equation is a check: accounts that do not fit their parts are a difference', () => {
  const whole = entry(1, [5], acked);
  const difference = (change: Partial<SegmentEntry>) => {
    const [hour] = hoursWith(NO_HOURS, [{ ...whole, ...change }]).accounts;
    assert.ok(hour);
    return hourDifference(hour);
  };
  assert.equal(difference({}), 0);
  assert.equal(difference({ accounts: { ...whole.accounts, received: 8 } }), 3);
  assert.equal(difference({ parts: [] }), 5);
  // Both sides of the first equation agree, and the rollup says that it emitted more than the parts have.
  assert.equal(difference({ accounts: { ...whole.accounts, emitted: 6 } }), 1);
  const wrong = { ...whole, accounts: { ...whole.accounts, received: 2 } };
  assert.equal(hourConservationDifference(statusOf([wrong], EMPTY_CHECKPOINT)), 3);
});

test('the last 48 hours are kept; older ones are dropped, and the start is reported', () => {
  const entries = Array.from({ length: 60 }, (_, hour) => entry(hour + 1, [1], { ...acked, ...at(hour) }));
  const checkpoint = moveForward(EMPTY_CHECKPOINT, [], entries);
  assert.equal(checkpoint.hours?.accounts.length, HOURS_KEPT);
  const { hours, hoursSince, counted } = statusOf(entries, checkpoint);
  assert.deepEqual([hours.length, hours[0]?.hour, counted], [48, '2026-11-20T12', 60]);
  assert.equal(hoursSince, '2026-11-20T12');
  // A late segment of a dropped hour does not bring that hour back as if it were complete.
  const late = moveForward({ ...checkpoint, open: [7] }, [entry(7, [1], { ...acked, ...at(6) })], []);
  assert.equal(late.hours?.accounts.length, HOURS_KEPT);
  assert.equal(late.settled.counted, checkpoint.settled.counted + 1);
});

test('a checkpoint without hours is read, and knows its hours from the next whole one on', () => {
  const entries = [0, 0.5, 1, 2].map((hour, index) => entry(index + 1, [1], { ...acked, ...at(hour) }));
  const old = { ...moveForward(EMPTY_CHECKPOINT, [], entries.slice(0, 2)), hours: undefined };
  const before = statusOf(entries.slice(0, 2), old);
  assert.deepEqual([before.counted, before.hours, before.hoursSince], [2, [], '2026-11-20T01']);
  const following = entries.slice(2).map((one) => ({ ...one, runMaxBeforeMs: HOUR + HOUR_MS / 2 }));
  const checkpoint = moveForward(old, [], following);
  const { hours, hoursSince, counted } = statusOf(entries, checkpoint);
  assert.deepEqual(
    [counted, hoursSince, hours.map(({ hour }) => hour.slice(-2))],
    [4, '2026-11-20T01', ['01', '02']],
  );
});

test('an hour that one shard has dropped is omitted from the totals', () => {
  const early = shardAccounts(SHARD_KEY, plan, EMPTY_CHECKPOINT, [
    entry(1, [1], at(0)),
    entry(2, [1], at(60)),
  ]);
  const idle = shardAccounts(SHARD_KEY, plan, EMPTY_CHECKPOINT, [entry(1, [3], at(2))]);
  const { hours, hoursSince, shards } = pipelineStatus([early, idle]);
  assert.deepEqual([hours.map(({ hour }) => hour), hoursSince], [['2026-11-22T12'], '2026-11-20T13']);
  assert.deepEqual(
    shards.map(({ hours: own }) => own.length),
    [1, 0],
  );
});

test('an answer has the requested number of hours, including the current one', () => {
  const status = statusOf(
    [entry(1, [1], at(0)), entry(2, [1], at(1)), entry(3, [1], at(2))],
    EMPTY_CHECKPOINT,
  );
  const last = (hours: number, nowMs: number) =>
    withLastHours(status, hours, nowMs).hours.map(({ hour }) => Number(hour.slice(-2)));
  const now = HOUR + 2.9 * HOUR_MS;
  assert.deepEqual([last(0, now), last(1, now), last(2, now), last(48, now)], [[], [2], [1, 2], [0, 1, 2]]);
  assert.deepEqual(last(1, HOUR + 9 * HOUR_MS), []);
  assert.deepEqual(withLastHours(status, 1, now).shards[0]?.hours.length, 1);
});

test('the status of thousands of shards fits an answer of 6 MB: of their hours, it has only those that are off', () => {
  const now = HOUR + 47.5 * HOUR_MS;
  const all = Array.from({ length: 48 }, (_, hour) => entry(hour + 1, [1e9], at(hour)));
  const one = shardAccounts(SHARD_KEY, plan, EMPTY_CHECKPOINT, all);
  const statusOfShards = (length: number) => {
    const status = pipelineStatus(Array.from({ length }, () => one));
    const [first = assert.fail(), ...others] = status.shards;
    const off = first.hours.map((hour, index) => (index === 40 ? { ...hour, difference: 1 } : hour));
    return withLastHours({ ...status, shards: [{ ...first, hours: off }, ...others] }, 48, now);
  };
  const { hours, shards } = statusOfShards(2_000);
  assert.ok(JSON.stringify({ body: JSON.stringify({ hours, shards }) }).length < 6_000_000);
  assert.deepEqual([hours.length, shards.length], [48, 2_000]);
  assert.deepEqual(
    shards.slice(0, 2).map(({ hours: own }) => own.map(({ difference }) => difference)),
    [[1], []],
    'what the runbook looks for',
  );
  const few = statusOfShards(64).shards.map(({ hours: own }) => own.length);
  assert.deepEqual(new Set(few), new Set([48]));
});

test('how many hours: 0 to 48, or the reason why not', () => {
  assert.deepEqual(
    [requestedHours({}), requestedHours({ hours: '0' }), requestedHours({ hours: '48' })],
    [24, 0, 48],
  );
  for (const hours of ['49', '-1', '1.5', 'x', '', '1e1', '100']) {
    assert.throws(
      () => requestedHours({ hours }),
      { constructor: InvalidQuery, message: /"hours".*0 to 48/ },
      hours,
    );
  }
});

test('for any moves of checkpoints, the hours balance and add up to the totals', () => {
  const part = fc.tuple(fc.nat(9), fc.constantFrom('acked', 'dead', 'parked', 'in-flight'));
  const segments = fc.array(
    fc.record({ parts: fc.array(part, { maxLength: 3 }), minutes: fc.nat(90), lost: fc.boolean() }),
    { maxLength: 14, size: 'max' },
  );
  fc.assert(
    fc.property(segments, fc.array(fc.nat(14)), (made, keptAfter) => {
      let runMaxMs = HOUR;
      const entries = made.map(({ parts, minutes, lost }, index) => {
        const where = (wanted: string) =>
          new Set(parts.flatMap(([, place], number) => (place === wanted ? [number] : [])));
        const places = { acked: where('acked'), dead: where('dead'), parked: where('parked') };
        const runMaxBeforeMs = runMaxMs;
        runMaxMs += minutes * 60_000;
        const sizes = parts.map(([events]) => events);
        return entry(index + 1, sizes, { ...places, lost, runMaxMs, runMaxBeforeMs });
      });
      const checkpoint = movedThrough(entries, keptAfter);
      const status = statusOf(entries, checkpoint);
      assert.equal(hourConservationDifference(status), 0);
      assert.equal(status.hoursSince, null);
      for (const column of ['counted', 'inFlight', 'dead', 'parked', 'lost'] as const) {
        const sum = status.hours.reduce((total, hour) => total + hour[column], 0);
        assert.equal(sum, status[column], column);
      }
    }),
  );
});
