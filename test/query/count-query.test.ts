import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE_MS } from '../../lambdas/core/time.ts';
import { countAnswer } from '../../lambdas/query/count-answer.ts';
import { planCounts } from '../../lambdas/query/count-plan.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import { PointSums } from '../../lambdas/query/point-sums.ts';

const NOW_MS = Date.parse('2026-11-22T05:07:30Z');
const FOREVER = { hours: undefined, days: undefined, months: undefined, all: undefined };
const NOTHING_CLOSED = { days: 0, months: 0, all: 0 };
const query = (parameters: Record<string, string>) => parseCountQuery('view', '/a', parameters, NOW_MS);

type Stored = [start: string, minutes: Record<number, bigint>];

function answerOf(asked: ReturnType<typeof query>, stored: readonly Stored[], throughMs = 0, settledMs = 0) {
  const known = { closed: NOTHING_CLOSED, throughMs, retentions: FOREVER, nowMs: NOW_MS };
  const sums = new PointSums(planCounts(asked, known));
  for (const [start, minutes] of stored) {
    for (const [minute, n] of Object.entries(minutes)) {
      sums.add('hours', Date.parse(start) + Number(minute) * MINUTE_MS, n);
    }
  }
  return countAnswer(asked, [sums], settledMs);
}

test('a query without parameters asks for the total of all time', () => {
  const { by, fromMs, toMs, fillZero } = query({});
  assert.deepEqual([by, fromMs, toMs, fillZero], ['total', 0, Date.parse('2026-11-22T05:08:00Z'), false]);
});

test('without a start, a grain has its usual range', () => {
  const from = (parameters: Record<string, string>) => new Date(query(parameters).fromMs).toISOString();
  assert.equal(from({ by: 'minute' }), '2026-11-22T04:08:00.000Z');
  assert.equal(from({ by: 'hour' }), '2026-11-21T05:08:00.000Z');
  assert.equal(from({ by: 'day' }), '2026-10-23T00:00:00.000Z', 'a whole day');
  assert.equal(from({ by: 'day', tz: 'Europe/Berlin' }), '2026-10-22T22:00:00.000Z');
  assert.equal(from({ by: 'week' }), '2026-08-17T00:00:00.000Z', 'a Monday');
  assert.equal(from({ by: 'month', tz: 'Europe/Berlin' }), '2025-10-31T23:00:00.000Z');
});

test('bounds are ISO 8601 or epoch milliseconds', () => {
  const { fromMs, toMs } = query({ from: '1763788020000', to: '2026-11-22T07:00:00+02:00' });
  assert.deepEqual([fromMs, toMs], [1_763_788_020_000, Date.parse('2026-11-22T05:00:00Z')]);
});

test('a date alone is midnight in the requested zone, for any grain', () => {
  const of = (parameters: Record<string, string>) => {
    const { fromMs, toMs, zone } = query({ from: '2015-04-01', to: '2015-11-02', ...parameters });
    return [new Date(fromMs).toISOString(), new Date(toMs).toISOString(), zone];
  };
  const tz = 'America/New_York';
  const [from, to] = ['2015-04-01T04:00:00.000Z', '2015-11-02T05:00:00.000Z'];
  assert.deepEqual(of({}), ['2015-04-01T00:00:00.000Z', '2015-11-02T00:00:00.000Z', 'UTC']);
  assert.deepEqual(of({ tz, by: 'day' }), [from, to, tz]);
  assert.deepEqual(of({ tz }), [from, to, 'UTC']);
  assert.deepEqual(of({ tz, by: 'hour' }), [from, to, tz]);
  assert.deepEqual(of({ tz, by: 'minute' }), [from, to, 'UTC']);
  assert.equal(query({ from: '1970-01-01', tz: 'Asia/Tokyo' }).fromMs, 0);
});

test('a wrong query is refused with the wrong parameter', () => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ by: 'year' }, /"by" must be one of minute, hour, day, week, month, total/],
    [{ from: 'yesterday' }, /"from" must be ISO 8601/],
    [{ from: '2026-02-30' }, /"from" must be ISO 8601 .* a date \(2026-11-22\)/],
    [{ from: '1969-12-31' }, /"from" must be ISO 8601/],
    [{ from: '2026-11-22T05:00:00' }, /"from" must have a zone: 2026-11-22T05:00:00Z, or an offset/],
    // Each of these was a time in 1970 before.
    [{ from: '1793696400' }, /1793696400 looks like seconds: did you mean 1793696400000\?/],
    [{ to: '1793697000' }, /"to" must be epoch milliseconds, and 1793697000 looks like seconds/],
    [{ from: '60000' }, /looks like seconds/],
    [{ from: '1793696400000000' }, /looks like micro- or nanoseconds/],
    [{ from: '1793696400000000000' }, /looks like micro- or nanoseconds/],
    [{ to: '2026-11-22T05:00:30Z' }, /"to" must be a whole minute, such as 2026-11-22T05:00:00Z/],
    [{ from: '2026-11-22T05:00Z', to: '2026-11-22T05:00Z' }, /"from" \(.*\) must be before "to"/],
    [{ by: 'day', fill: 'one' }, /"fill" can only be "zero"/],
    [{ by: 'day', cumulative: 'false' }, /"cumulative" can only be "true"/],
    [{ by: 'day', compare: 'last' }, /"compare" can only be "previous"/],
    [{ by: 'day', tz: 'Europe/Atlantis' }, /"tz" must be a time zone of the IANA database/],
    [{ by: 'day', tz: '+02:00' }, /"tz" must be a time zone of the IANA database/],
    [{ by: 'minute', tz: 'Europe/Berlin' }, /"tz" needs by=hour, day, week or month, or a date/],
    [{ tz: 'UTC' }, /"tz" needs by=hour, day, week or month, or a date/],
    [{ fill: 'zero' }, /"fill" needs points, and by=total has none/],
    [{ cumulative: 'true' }, /"cumulative" needs points/],
    [{ limit: '10' }, /"limit" needs points/],
    [{ by: 'day', limit: '0' }, /"limit" must be a whole number from 1 to 50000/],
    [{ by: 'day', limit: '50001' }, /"limit" must be a whole number from 1 to 50000/],
    [{ by: 'day', limit: '1e3' }, /"limit" must be a whole number from 1 to 50000/],
    [{ compare: 'previous' }, /"compare" with by=total needs a "from"/],
    [{ by: 'day', compare: 'previous', limit: '5' }, /"compare" and "limit" cannot be combined/],
    [{ by: 'hour', compare: 'previous', from: '1990-01-01T00:00Z' }, /"compare" allows at most 25000 hours/],
    [{ compare: 'previous', from: '1990-01-01T00:00Z' }, /looks back before 1970/],
    [
      { by: 'month', compare: 'previous', from: '2026-10-15T00:00Z', tz: 'Europe/Berlin' },
      /by month needs a "from" that starts a month, such as 2026-11-01T00:00:00\+01:00/,
    ],
    [{ next: 'abc' }, /"next" is not a token for this metric and entity/],
    [{ next: 'abc', by: 'day' }, /"next" cannot be combined with "by": it holds the whole question/],
    [{ form: '0' }, /no parameter "form"/],
  ];
  for (const [parameters, reason] of wrong) {
    assert.throws(
      () => query(parameters),
      { constructor: InvalidQuery, message: reason },
      JSON.stringify(parameters),
    );
  }
});

const HOURS: Stored[] = [
  ['2026-11-21T23:00:00Z', { 59: 1n }],
  ['2026-11-22T05:00:00Z', { 0: 2n, 7: 3n }],
  ['2026-11-22T05:00:00Z', { 15: 10n, 20: -4n }],
];

test('sums beyond 2^53 keep every digit', () => {
  const large = 2n ** 60n;
  const { total } = answerOf(query({}), [['2026-11-22T05:00:00Z', { 0: large, 1: 1n }]]);
  assert.equal(total, large + 1n);
});

test('a point is final once every event that may still arrive would be too old for it', () => {
  const asked = query({ from: '2026-11-22T05:00Z', to: '2026-11-22T05:10Z', by: 'minute' });
  const states = (throughMs: number, settledMs: number) => {
    const { points, completeThrough } = answerOf(asked, HOURS, throughMs, settledMs);
    return [completeThrough, ...points.map(({ state }) => state)];
  };
  const day = 86_400_000;
  const minuteEndMs = Date.parse('2026-11-22T05:01Z');
  assert.deepEqual(states(0, 0), [null, 'provisional', 'provisional']);
  const throughMs = minuteEndMs + day + 60_000;
  const through = new Date(throughMs).toISOString();
  assert.deepEqual(states(throughMs, throughMs - day), [through, 'final', 'provisional']);
  assert.deepEqual(states(throughMs - 1, throughMs - 1 - day).slice(1), ['provisional', 'provisional']);
  assert.deepEqual(states(throughMs, 0).slice(1), ['provisional', 'provisional'], 'any age is accepted');
});
