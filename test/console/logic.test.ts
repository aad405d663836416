// What the console computes without a page: URLs, ranges of time, equations, arrivals, comparisons, CSV.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CountsAnswer, StatusAnswer } from '../../client/src/index.ts';
import { behindMs, compare, equationOf } from '../../console/logic/accounts.ts';
import { csvOf, pointsOf, zoneOf } from '../../console/logic/answer.ts';
import { arrivalsOf, rateOf, withReading } from '../../console/logic/arrivals.ts';
import { change, shownName, span } from '../../console/logic/format.ts';
import {
  type Question,
  questionIn,
  RANGES,
  rangeOf,
  searchOf,
  TOP_GRAINS,
  VIEWS,
} from '../../console/logic/question.ts';
import { clockTime, GRAINS, instantOf, periodStart, wallTime } from '../../console/logic/zone.ts';
import { parseTimeZone, periodStartMs } from '../../lambdas/query/calendar.ts';

const OWN_ZONE = 'Europe/Berlin';
const MINUTE_MS = 60_000;
const at = (text: string) => Date.parse(text);

const questions: fc.Arbitrary<Question> = fc
  .record({
    view: fc.constantFrom(...VIEWS),
    metric: fc.string({ unit: 'binary' }),
    entity: fc.string({ unit: 'binary' }),
    range: fc.constantFrom(...RANGES),
    chosen: fc.option(
      fc.tuple(fc.integer({ min: 1, max: 30_000_000 }), fc.integer({ min: 1, max: 100_000 })),
      {
        nil: undefined,
      },
    ),
    by: fc.option(fc.constantFrom(...GRAINS), { nil: undefined }),
    tz: fc.constantFrom('Europe/Berlin', 'UTC', 'America/St_Johns'),
    compare: fc.boolean(),
    top: fc.constantFrom(...TOP_GRAINS),
  })
  .map(({ chosen, ...rest }) => ({
    ...rest,
    range: chosen === undefined ? rest.range : ('1h' as const),
    fromMs: chosen && chosen[0] * MINUTE_MS,
    toMs: chosen && (chosen[0] + chosen[1]) * MINUTE_MS,
  }));

test('a URL holds the whole query, and reads back as written', () => {
  fc.assert(
    fc.property(questions, (question) => {
      assert.deepEqual(questionIn(searchOf(question, OWN_ZONE), OWN_ZONE), question);
    }),
  );
});

test('an invalid URL gives the default query', () => {
  const plain = questionIn('', OWN_ZONE);
  assert.deepEqual(questionIn('?view=x&range=9y&by=year&tz=Mars&from=now&to=then&top=x', OWN_ZONE), plain);
  // A range must end after it starts.
  assert.deepEqual(questionIn('?from=2026-11-20T10:00Z&to=2026-11-20T09:00Z', OWN_ZONE), plain);
});

test('days and months start as in the zone, also across a change of clocks', () => {
  const nowMs = at('2026-11-20T12:34:56Z');
  const question = (range: Question['range']) => ({ ...questionIn('', OWN_ZONE), range });
  const month = rangeOf(question('30d'), nowMs);
  // 30 days with today; the clocks went back on 25 October.
  assert.equal(new Date(month.fromMs).toISOString(), '2026-10-21T22:00:00.000Z');
  assert.equal(month.by, 'day');
  const year = rangeOf(question('12mo'), nowMs);
  assert.equal(new Date(year.fromMs).toISOString(), '2025-11-30T23:00:00.000Z');
  const hour = rangeOf(question('1h'), nowMs);
  assert.deepEqual([hour.toMs - hour.fromMs, hour.by, hour.moves], [3_600_000, 'minute', true]);
  assert.equal(new Date(hour.toMs).toISOString(), '2026-11-20T12:35:00.000Z');
});

test('a grain too fine for its range becomes a coarser one', () => {
  const asked = { ...questionIn('', OWN_ZONE), range: '30d' as const, by: 'minute' as const };
  assert.equal(rangeOf(asked, at('2026-11-20T12:00Z')).by, 'hour');
});

test('wall time and back, in zones with half hours and changes of clocks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10_000_000, max: 30_000_000 }),
      fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia'),
      (minutes, tz) => {
        const back = instantOf(wallTime(minutes * MINUTE_MS, tz), tz);
        // An hour that happens twice is one of the two.
        assert.ok(Math.abs(back - minutes * MINUTE_MS) <= 3_600_000);
        assert.equal(wallTime(back, tz), wallTime(minutes * MINUTE_MS, tz));
      },
    ),
  );
  assert.equal(periodStart('day', at('2026-03-29T12:00Z'), 'Europe/Berlin'), at('2026-03-28T23:00Z'));
  assert.equal(periodStart('week', at('2026-11-22T12:00Z'), 'UTC'), at('2026-11-16T00:00Z'));
  assert.equal(periodStart('month', at('2026-01-31T00:00Z'), 'UTC', 2), at('2025-11-01T00:00Z'));
});

test('a day without a midnight starts when the API says: at the change of clocks', () => {
  for (const [tz, day] of [
    ['America/Santiago', '2026-09-06'],
    ['America/Havana', '2026-03-08'],
    ['Atlantic/Azores', '2026-03-29'],
    ['Africa/Cairo', '2026-04-24'],
  ] as const) {
    const noonMs = at(`${day}T12:00Z`);
    const startMs = periodStart('day', noonMs, tz);
    assert.equal(startMs, periodStartMs('day', noonMs, parseTimeZone(tz)), tz);
    assert.equal(wallTime(startMs, tz), at(`${day}T01:00Z`), tz);
  }
});

test('a time of another day has its date', () => {
  const nowMs = at('2026-11-20T12:00Z');
  assert.equal(clockTime(at('2026-11-20T00:30Z'), 'Europe/Berlin', nowMs), '01:30:00');
  assert.equal(clockTime(at('2026-11-20T00:30Z'), 'America/New_York', nowMs), '19 Nov 2026, 19:30:00');
});

const STATUS: StatusAnswer = {
  accepted: 20,
  unread: 3,
  unreadMore: false,
  unreadSince: '2026-11-20T12:00:02.000Z',
  inFlightSince: '2026-11-20T12:00:01.000Z',
  received: 17,
  duplicate: 2,
  rejected: 1,
  counted: 9,
  inFlight: 4,
  dead: 1,
  parked: 0,
  expired: 0,
  lost: 0,
  rejectedByReason: { json: 1 },
  hours: [],
  shards: [],
  service: { stack: 'tally', id: 'a', generation: '1' },
};

test('the equation starts from accepted events, or from received ones if the stream could not be read', () => {
  assert.deepEqual([equationOf(STATUS).left.events, equationOf(STATUS).difference], [20, 0]);
  const blind = equationOf({ ...STATUS, accepted: null, unread: null });
  assert.deepEqual([blind.left.label, blind.left.events, blind.difference], ['received', 17, 0]);
  assert.equal(equationOf({ ...STATUS, counted: 8 }).difference, 1);
  assert.equal(behindMs(STATUS, at('2026-11-20T12:00:05Z')), 4_000);
  assert.equal(behindMs({ ...STATUS, unreadSince: null, inFlightSince: null }, 0), 0);
});

/** A status of a stack that accepted so many events, of which so many arrived in the hours from 11 and from 12. */
function arrived(events: number, eleven = 0, twelve = events - eleven, id = 'a'): StatusAnswer {
  return {
    ...STATUS,
    accepted: events,
    received: events,
    service: { ...STATUS.service, id },
    hours: [
      { ...STATUS, hour: '2026-11-20T11', received: eleven },
      { ...STATUS, hour: '2026-11-20T12', received: twelve },
    ],
  };
}
const NOON = at('2026-11-20T12:00Z');

test('arrivals: minutes between close readings are exact, for any arrivals', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 30, maxLength: 600 }),
      fc.integer({ min: 1, max: 9 }),
      (steps, seconds) => {
        let total = 0;
        let readings = withReading([], arrived(0), NOON);
        const perMinute = new Map<number, number>();
        for (const [index, step] of steps.entries()) {
          const atMs = NOON + (index + 1) * seconds * 1_000;
          total += step;
          readings = withReading(readings, arrived(total), atMs);
          // A step arrived before its reading, so one on the minute belongs to the minute before.
          const minuteMs = Math.ceil(atMs / MINUTE_MS - 1) * MINUTE_MS;
          perMinute.set(minuteMs, (perMinute.get(minuteMs) ?? 0) + step);
        }
        const arrivals = arrivalsOf(readings, arrived(total));
        assert.ok(arrivals);
        assert.equal(arrivals.total, total);
        const sum = [...arrivals.measured, ...arrivals.averaged].reduce<number>(
          (all, n) => all + (n ?? 0),
          0,
        );
        assert.ok(Math.abs(sum - total) <= 60);
        if (60 % seconds !== 0) return;
        for (const [index, n] of arrivals.measured.entries())
          if (n !== null) assert.equal(n, perMinute.get(arrivals.times[index] ?? 0) ?? 0);
      },
    ),
  );
});

test('arrivals: minutes before the page was open, and while it was hidden, are averages', () => {
  // 600 arrived from 11 to 12, 300 by 12:10. Then 60 in the minute of 12:10, and 240 in the next four, unseen.
  let readings = withReading([], arrived(900, 600), NOON + 10 * MINUTE_MS);
  for (let second = 5; second <= 60; second += 5)
    readings = withReading(readings, arrived(900 + second, 600), NOON + 10 * MINUTE_MS + second * 1_000);
  readings = withReading(readings, arrived(1_200, 600), NOON + 15 * MINUTE_MS);
  const arrivals = arrivalsOf(readings, arrived(1_200, 600));
  assert.ok(arrivals);
  const { times, measured, averaged, total, isMeasured } = arrivals;
  assert.equal(times[0], NOON - 45 * MINUTE_MS);
  const shown = times.map((_, index) => [measured[index], averaged[index]]);
  assert.deepEqual(shown[44], [null, 10]);
  assert.deepEqual(shown[45], [null, 30]);
  assert.deepEqual(shown[55], [60, null]);
  assert.deepEqual(shown[56], [null, 60]);
  assert.deepEqual([total, isMeasured], [450 + 300 + 300, false]);

  // Opened within a minute, the page shows what it measured of it: 7 of 12:10, after 20 it did not see.
  const half = NOON + 10.5 * MINUTE_MS;
  const opened = withReading(withReading([], arrived(120), half), arrived(127), half + 9_000);
  const first = arrivalsOf(opened, arrived(127));
  assert.deepEqual([first?.measured.at(-1), first?.averaged.at(-1), first?.total], [7, null, 127]);
});

test('arrivals: the rate covers ten seconds; another stack starts over; a lower bound takes nothing back', () => {
  const one = withReading([], arrived(100), NOON);
  assert.equal(rateOf(one), undefined);
  let readings = one;
  for (let second = 1; second <= 30; second += 1)
    readings = withReading(readings, arrived(100 + second * 12), NOON + second * 1_000);
  assert.equal(rateOf(readings), 12);
  assert.ok(readings.length <= 10, 'readings are thinned');
  const fallen = withReading(readings, arrived(300), NOON + 31_000);
  assert.equal(fallen.at(-1)?.events, 460);
  assert.equal(withReading(readings, arrived(900, 0, 900, 'b'), NOON + 31_000).length, 1);
  const later = withReading(readings, arrived(1_000), NOON + 3_800_000);
  assert.equal(later.length, 1, 'readings of more than an hour ago are dropped');
});

test('a comparison is exact only if each counter is', () => {
  const sent = { '/': 5, '/a': 3 };
  assert.equal(compare(sent, new Map([['/', 5], ['/a', 3]])).isExact, true); // biome-ignore format: a table
  const swapped = compare(sent, new Map([['/', 4], ['/a', 4]])); // biome-ignore format: a table
  assert.deepEqual([swapped.sent, swapped.counted, swapped.isExact], [8, 8, false]);
});

/** An answer with two points, after a period with two. */
const ANSWER: CountsAnswer = {
  ...{ metric: 'view', entity: '=1+"2",3', by: 'day', grain: 'day', tz: 'UTC' },
  ...{ from: 'x', to: 'z', total: 4, completeThrough: null },
  points: [
    { at: 'x', n: -1, state: 'final' },
    { at: 'y', n: 5, state: 'final' },
  ],
};
const PREVIOUS = { ...ANSWER, points: ANSWER.points.map((point, index) => ({ ...point, n: index })) };

test('CSV: quotes, commas and formulas stay one cell of text', () => {
  assert.equal(csvOf(ANSWER).split('\r\n')[1], `view,"'=1+""2"",3",x,-1,final,`);
  assert.equal(csvOf({ ...ANSWER, previous: PREVIOUS }).split('\r\n')[2], `view,"'=1+""2"",3",y,5,final,1`);
});

test('points are compared only with points of the same length and zone', () => {
  const previous = (change: Partial<CountsAnswer>) =>
    pointsOf({ ...ANSWER, previous: { ...PREVIOUS, ...change } }).map((point) => point.previous);
  assert.deepEqual(previous({}), [0, 1]);
  // Past the retention of days, the period before is one of months, or of days of UTC.
  assert.deepEqual(previous({ grain: 'month' }), [undefined, undefined]);
  assert.deepEqual(previous({ tz: 'Europe/Berlin' }), [undefined, undefined]);
});

test("days are those of the answer's zone, hours are shown in any", () => {
  assert.equal(zoneOf({ grain: 'day', tz: 'UTC' }, 'America/New_York'), 'UTC');
  assert.equal(zoneOf({ grain: 'hour', tz: 'UTC' }, 'America/New_York'), 'America/New_York');
});

test('numbers are formatted for people', () => {
  assert.equal(span(1_400), '1.4 s');
  assert.equal(span(125_000), '2 min');
  assert.equal(span(7_500_000), '2 h 5 min');
  assert.equal(change(100, 112.4), '▲ 12%');
  assert.equal(change(100, 95), '▼ 5.0%');
  assert.equal(change(0, 5), undefined);
  assert.equal(shownName('a\u202eb\u2066'), 'a\\u202eb\\u2066');
});
