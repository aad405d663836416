// Where answers are read from: every instant once, from the coarsest level that has it, exact for any closed periods.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cellStartMs, LEVELS, type Retentions } from '../../lambdas/core/level.ts';
import { DAY_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { GRAINS, type Grain, periodStartMs, UTC } from '../../lambdas/query/calendar.ts';
import { countAnswer } from '../../lambdas/query/count-answer.ts';
import { type Closed, type Piece, planCounts } from '../../lambdas/query/count-plan.ts';
import type { CountQuery } from '../../lambdas/query/count-query.ts';
import { PointSums } from '../../lambdas/query/point-sums.ts';

const FOREVER: Retentions = { hours: undefined, days: undefined, months: undefined, all: undefined };
const ms = (iso: string) => Date.parse(iso);
const NOW_MS = ms('2026-11-22T05:07:30Z');
const asked = (by: Grain, from: string | number, to: string | number, fillZero = false): CountQuery => ({
  metric: 'view',
  entity: '/a',
  by,
  fromMs: typeof from === 'number' ? from : ms(from),
  toMs: typeof to === 'number' ? to : ms(to),
  fillZero,
  zone: UTC,
  cumulative: false,
  previous: undefined,
  limit: Infinity,
  isEndGiven: true,
  page: undefined,
});
const WATERMARK_MS = ms('2026-11-22T05:07:00Z');
/** Upper levels that were compacted shortly after each hour and day. */
const CLOSED: Closed = {
  days: ms('2026-11-22T05:00Z'),
  months: ms('2026-11-22T00:00Z'),
  all: ms('2026-11-01T00:00Z'),
};
const NOTHING_CLOSED: Closed = { days: 0, months: 0, all: 0 };
const planned = (query: CountQuery, closed = CLOSED, retentions = FOREVER) =>
  planCounts(query, { closed, throughMs: WATERMARK_MS, retentions, nowMs: NOW_MS });
const shown = (pieces: readonly Piece[]) =>
  pieces.map(({ level, fromMs, toMs }) => {
    const iso = (atMs: number) => new Date(atMs).toISOString().slice(0, 16);
    return `${level} ${iso(fromMs)} ${iso(toMs)}`;
  });

test('all time is read from its own level, the open month, the open day and the open hour', () => {
  const plan = planned(asked('total', 0, '2026-11-22T05:08Z'));
  assert.deepEqual(shown(plan.pieces), [
    'all 1970-01-01T00:00 2026-11-01T00:00',
    'months 2026-11-01T00:00 2026-11-22T00:00',
    'days 2026-11-22T00:00 2026-11-22T05:00',
    'hours 2026-11-22T05:00 2026-11-22T05:08',
  ]);
  assert.equal(plan.throughMs, WATERMARK_MS, 'one watermark for all of them');
});

test('edges within an hour are read from minutes, within a day from hours, within a month from days', () => {
  const plan = planned(asked('total', '2026-08-30T22:30Z', '2026-10-02T01:15Z'));
  assert.deepEqual(shown(plan.pieces), [
    'hours 2026-08-30T22:30 2026-08-30T23:00',
    'days 2026-08-30T23:00 2026-08-31T00:00',
    'months 2026-08-31T00:00 2026-09-01T00:00',
    'all 2026-09-01T00:00 2026-10-01T00:00',
    'months 2026-10-01T00:00 2026-10-02T00:00',
    'days 2026-10-02T00:00 2026-10-02T01:00',
    'hours 2026-10-02T01:00 2026-10-02T01:15',
  ]);
});

test('with nothing closed, nothing is read from upper levels; minutes never are', () => {
  const all = planned(asked('total', 0, NOW_MS), NOTHING_CLOSED);
  assert.deepEqual(shown(all.pieces), ['hours 1970-01-01T00:00 2026-11-22T05:08']);
  const minutes = planned(asked('minute', '2026-10-01', '2026-10-02'));
  assert.deepEqual(shown(minutes.pieces), ['hours 2026-10-01T00:00 2026-10-02T00:00']);
});

test('a week is read from days, since months end within weeks', () => {
  const weeks = planned(asked('week', '2026-09-28T00:00Z', '2026-10-12T00:00Z'));
  assert.deepEqual(shown(weeks.pieces), ['months 2026-09-28T00:00 2026-10-12T00:00']);
  assert.equal(weeks.periods.length, 2);
});

const RETENTIONS = { hours: 60 * DAY_MS, days: 400 * DAY_MS, months: 800 * DAY_MS, all: undefined };

test('a range past its retention is answered in the next grain, and the answer says so', () => {
  const answer = (by: Grain, from: string, to: string) => {
    const query = asked(by, from, to);
    const plan = planned(query, CLOSED, RETENTIONS);
    const { grain, from: start, to: end, note } = countAnswer(query, [new PointSums(plan)], 0);
    return { grain, range: `${start.slice(0, 16)} ${end.slice(0, 16)}`, note };
  };
  const recent = answer('minute', '2026-11-01T10:30Z', '2026-11-01T10:45Z');
  assert.deepEqual(recent, { grain: 'minute', range: '2026-11-01T10:30 2026-11-01T10:45', note: undefined });
  const hours = answer('minute', '2026-06-01T10:30Z', '2026-06-01T10:45Z');
  assert.deepEqual([hours.grain, hours.range], ['hour', '2026-06-01T10:00 2026-06-01T11:00']);
  assert.match(
    hours.note ?? '',
    /no grain finer than the hour is kept .* counted by hour instead of by minute; the range/,
  );
  const days = answer('hour', '2025-06-01T10:00Z', '2025-06-02T00:00Z');
  assert.deepEqual([days.grain, days.range], ['day', '2025-06-01T00:00 2025-06-02T00:00']);
  const months = answer('hour', '2020-06-03T00:00Z', '2026-11-22T05:07Z');
  assert.deepEqual([months.grain, months.range], ['month', '2020-06-01T00:00 2026-11-22T05:07']);
  const total = answer('total', '2026-06-01T10:30Z', '2026-11-01T00:00Z');
  assert.deepEqual([total.grain, total.range], ['total', '2026-06-01T10:00 2026-11-01T00:00']);
  assert.match(total.note ?? '', /the range is widened to 2026-06-01T10:00:00Z to/);
  assert.equal(answer('day', '2026-06-01T00:00Z', '2026-06-03T00:00Z').note, undefined, 'days are kept');
});

test('for any closed periods and any query, the answer is the plain sum of the minutes, each read once', () => {
  const startMs = ms('2026-08-25T00:00Z');
  const minuteMs = fc.integer({ min: 0, max: 80 * 24 * 60 }).map((minute) => startMs + minute * MINUTE_MS);
  const counts = fc.array(fc.tuple(minuteMs, fc.bigInt({ min: -9n, max: 9n })), {
    maxLength: 60,
    size: 'max',
  });
  const closedMs = fc.oneof(minuteMs, fc.constant(0));
  fc.assert(
    fc.property(
      counts,
      fc.tuple(minuteMs, minuteMs),
      fc.constantFrom(...GRAINS),
      fc.tuple(closedMs, closedMs, closedMs),
      (minutes, [a, b], by, [daysMs, monthsMs, allMs]) => {
        const query = asked(by, Math.min(a, b), Math.max(a, b) + MINUTE_MS);
        const closed = {
          days: cellStartMs('days', daysMs),
          months: cellStartMs('months', monthsMs),
          all: cellStartMs('all', allMs),
        };
        const plan = planned(query, closed);
        const sums = new PointSums(plan);
        // Everything is everywhere: what is not to be read from a level must be left out.
        for (const [atMs, n] of minutes) {
          for (const level of LEVELS) sums.add(level, cellStartMs(level, atMs), n);
        }
        const inRange = minutes.filter(([atMs]) => atMs >= query.fromMs && atMs < query.toMs);
        const answer = countAnswer(query, [sums], 0);
        assert.equal(
          answer.total,
          inRange.reduce((sum, [, n]) => sum + n, 0n),
        );
        const points = new Map<string, bigint>();
        for (const [atMs, n] of by === 'total' ? [] : inRange) {
          const at = `${new Date(periodStartMs(by as 'day', atMs)).toISOString().slice(0, 19)}Z`;
          points.set(at, (points.get(at) ?? 0n) + n);
        }
        assert.deepEqual(new Map(answer.points.map(({ at, n }) => [at, n])), points);
        let nextMs = query.fromMs;
        for (const { fromMs, toMs } of plan.pieces) {
          assert.ok(fromMs === nextMs && toMs > fromMs);
          nextMs = toMs;
        }
        assert.equal(nextMs, query.toMs);
      },
    ),
    { numRuns: 500 },
  );
});
