// The calendar: days and months in time zones, against what Intl says of the same instants.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import {
  instantsIn,
  nextPeriodMs,
  parseTimeZone,
  periodCeilingMs,
  periodStartMs,
  periodsOf,
  type Stretch,
  type TimedGrain,
  type TimeZone,
  UTC,
} from '../../lambdas/query/calendar.ts';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'Africa/Cairo',
];

function zone(name: string): TimeZone {
  const parsed = parseTimeZone(name);
  assert.ok(parsed !== undefined, name);
  return parsed;
}

const utc = (text: string) => Date.parse(text);
const instantIn = (atMs: number, of: TimeZone) => instantsIn(of)(atMs);
const hours = ({ fromMs, toMs }: Stretch) => (toMs - fromMs) / HOUR_MS;

/** The date and time of day on a zone's clock, by another library than the one under test. */
function clock(atMs: number, name: string): { date: string; week: string; month: string } {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: name,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(atMs);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  const month = `${part('year')}-${part('month')}`;
  const date = `${month}-${part('day')}`;
  const dayOfWeek = (new Date(date).getUTCDay() + 6) % 7;
  const week = new Date(Date.parse(date) - dayOfWeek * DAY_MS).toISOString().slice(0, 10);
  return { date, week, month };
}

test('days have 23, 24 and 25 hours where clocks change', () => {
  const days = (from: string, to: string, name: string) =>
    [...periodsOf({ fromMs: utc(from), toMs: utc(to) }, 'day', zone(name))].map(hours);
  assert.deepEqual(days('2026-10-24T00:00Z', '2026-10-26T12:00Z', 'Europe/Berlin'), [24, 25, 24]);
  assert.deepEqual(days('2026-03-28T12:00Z', '2026-03-30T12:00Z', 'Europe/Berlin'), [24, 23, 24]);
  assert.deepEqual(days('2026-04-04T12:00Z', '2026-04-05T12:00Z', 'Australia/Lord_Howe'), [24, 24.5]);
  assert.deepEqual(days('2026-10-24T00:00Z', '2026-10-26T00:00Z', 'UTC'), [24, 24]);
});

test('a day begins when its midnight first comes, where clocks are set back over it', () => {
  const stJohns = zone('America/St_Johns');
  // At 00:01 on 7 November 2010 clocks went back to 23:01.
  const [before, between] = [utc('2010-11-07T02:29Z'), utc('2010-11-07T02:45Z')];
  const midnight = utc('2010-11-07T02:30Z');
  assert.equal(periodStartMs('day', between, stJohns), midnight);
  assert.equal(nextPeriodMs('day', before, stJohns), midnight);
  assert.equal(nextPeriodMs('day', between, stJohns), utc('2010-11-08T03:30Z'));
  assert.equal(periodStartMs('month', utc('2009-11-01T02:45Z'), stJohns), utc('2009-11-01T02:30Z'));
  assert.equal(periodStartMs('week', utc('2010-11-08T03:29Z'), stJohns), utc('2010-11-01T02:30Z'));
});

test('hours are those of the zone, with a half hour where clocks change by one', () => {
  const starts = (from: string, to: string, name: string) =>
    [...periodsOf({ fromMs: utc(from), toMs: utc(to) }, 'hour', zone(name))].map(({ fromMs }) =>
      instantIn(fromMs, zone(name)).slice(11),
    );
  const kolkata = starts('2026-11-22T00:00Z', '2026-11-22T02:00Z', 'Asia/Kolkata');
  assert.deepEqual(kolkata, ['05:00:00+05:30', '06:00:00+05:30', '07:00:00+05:30']);
  const berlin = starts('2026-10-25T00:00Z', '2026-10-25T02:00Z', 'Europe/Berlin');
  assert.deepEqual(berlin, ['02:00:00+02:00', '02:00:00+01:00']);
  const lordHowe = starts('2026-04-04T14:00Z', '2026-04-04T16:00Z', 'Australia/Lord_Howe');
  assert.deepEqual(lordHowe, ['01:00:00+11:00', '01:30:00+10:30', '02:00:00+10:30']);
});

test('a day that a zone skipped is missing, and the days around it are adjacent', () => {
  const apia = zone('Pacific/Apia');
  const days = [
    ...periodsOf({ fromMs: utc('2011-12-29T12:00Z'), toMs: utc('2011-12-31T12:00Z') }, 'day', apia),
  ];
  assert.deepEqual(
    days.map(({ fromMs }) => clock(fromMs, 'Pacific/Apia').date),
    ['2011-12-29', '2011-12-31', '2012-01-01'],
  );
});

test('UTC has one canonical name, so that each alias is read as cheaply', () => {
  for (const name of ['UTC', 'utc', 'Etc/UTC', 'Zulu']) assert.equal(parseTimeZone(name), UTC, name);
});

test('offsets, abbreviations of nothing and nonsense are no time zones', () => {
  for (const name of ['+02:00', '-05', '', 'Europe/Atlantis', '../etc', '2026', 'Europe/Berlin ']) {
    assert.equal(parseTimeZone(name), undefined, name);
  }
});

test('many instants are formatted like each alone, with the date and offset of Intl', () => {
  const offsetOf = (atMs: number, name: string) => {
    const options = { timeZone: name, timeZoneName: 'longOffset' } as const;
    const parts = new Intl.DateTimeFormat('en', options).formatToParts(atMs);
    const text = parts.find(({ type }) => type === 'timeZoneName')?.value.slice('GMT'.length);
    return text === '' ? '+00:00' : text;
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES.filter((name) => zone(name) !== UTC)),
      fc.array(fc.integer({ min: utc('1990-01-01T00:00Z') / 1000, max: utc('2050-01-01T00:00Z') / 1000 })),
      (name, seconds) => {
        const iso = instantsIn(zone(name));
        for (const atMs of seconds.map((second) => second * 1000)) {
          const text = iso(atMs);
          assert.equal(Date.parse(text), atMs);
          assert.equal(text.slice(0, 10), clock(atMs, name).date);
          assert.equal(text.slice(19), offsetOf(atMs, name));
          assert.equal(text, instantIn(atMs, zone(name)));
        }
      },
    ),
  );
});

test('an offset of fractional minutes, and the end of time, are formatted as by Temporal', () => {
  assert.equal(instantIn(utc('1971-06-01T00:44:30Z'), zone('Africa/Monrovia')), '1971-06-01T00:00:00-00:45');
  assert.equal(instantIn(utc('9999-12-31T23:00Z'), zone('Europe/Berlin')), '+010000-01-01T00:00:00+01:00');
});

test('periods cover their range without gaps or overlaps, and each is one date, week or month of the zone', () => {
  const grains: TimedGrain[] = ['minute', 'hour', 'day', 'week', 'month'];
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.constantFrom(...grains),
      fc.integer({ min: utc('1990-01-01T00:00Z'), max: utc('2035-01-01T00:00Z') }),
      fc.integer({ min: 1, max: 40 * DAY_MS }),
      (name, grain, fromMs, anyLengthMs) => {
        const lengthMs = grain === 'minute' ? Math.ceil(anyLengthMs / 1000) : anyLengthMs;
        const range = { fromMs, toMs: fromMs + lengthMs };
        const periods = [...periodsOf(range, grain, zone(name))];
        const [first, last] = [periods[0], periods.at(-1)];
        assert.ok(first !== undefined && first.fromMs <= fromMs && fromMs < first.toMs);
        assert.ok(last !== undefined && last.fromMs < range.toMs && range.toMs <= last.toMs);
        for (const [index, { fromMs: from, toMs: to }] of periods.entries()) {
          assert.ok(from < to);
          const withinMs = Math.floor((from + to) / 2);
          assert.deepEqual(
            [periodStartMs(grain, withinMs, zone(name)), nextPeriodMs(grain, withinMs, zone(name))],
            [from, to],
          );
          assert.equal(periodCeilingMs(grain, from, zone(name)), from);
          assert.equal(periodCeilingMs(grain, withinMs, zone(name)), to);
          if (index > 0) assert.equal(periods[index - 1]?.toMs, from);
          if (grain === 'minute' || grain === 'hour') continue;
          const field = grain === 'day' ? 'date' : grain;
          const of = (atMs: number) => clock(atMs, name)[field];
          assert.equal(of(from), of(to - 1));
          assert.notEqual(of(from - 1), of(from));
        }
      },
    ),
  );
});
