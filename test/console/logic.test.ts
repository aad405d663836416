// What the console works out without a page: questions in URLs, stretches of time, equations, comparisons, CSV.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Accounts, behindMs, compare, equationOf } from '../../console/logic/accounts.ts';
import { csvOf } from '../../console/logic/csv.ts';
import { change, shownName, span } from '../../console/logic/format.ts';
import {
  GRAINS,
  type Question,
  questionIn,
  RANGES,
  searchOf,
  stretchOf,
  TOP_GRAINS,
  VIEWS,
} from '../../console/logic/question.ts';
import { dayStart, instantOf, monthStart, wallTime } from '../../console/logic/zone.ts';

const DEFAULTS = { tz: 'Europe/Berlin' };
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

test('a URL says the whole question: what is written is read back', () => {
  fc.assert(
    fc.property(questions, (question) => {
      assert.deepEqual(questionIn(searchOf(question, DEFAULTS), DEFAULTS), question);
    }),
  );
});

test('a URL with nonsense is the default question', () => {
  const plain = questionIn('', DEFAULTS);
  assert.deepEqual(questionIn('?view=x&range=9y&by=year&tz=Mars&from=now&to=then&top=x', DEFAULTS), plain);
  // A stretch that ends before it starts is none.
  assert.deepEqual(questionIn('?from=2026-11-20T10:00Z&to=2026-11-20T09:00Z', DEFAULTS), plain);
});

test('stretches of days and months start where those start in the zone, also over a change of clocks', () => {
  const nowMs = at('2026-11-20T12:34:56Z');
  const question = (range: Question['range']) => ({ ...questionIn('', DEFAULTS), range });
  const month = stretchOf(question('30d'), nowMs);
  // 30 days with today; the clocks went back on 25 October.
  assert.equal(new Date(month.fromMs).toISOString(), '2026-10-21T22:00:00.000Z');
  assert.equal(month.by, 'day');
  const year = stretchOf(question('12mo'), nowMs);
  assert.equal(new Date(year.fromMs).toISOString(), '2025-11-30T23:00:00.000Z');
  const hour = stretchOf(question('1h'), nowMs);
  assert.deepEqual([hour.toMs - hour.fromMs, hour.by, hour.moves], [3_600_000, 'minute', true]);
  assert.equal(new Date(hour.toMs).toISOString(), '2026-11-20T12:35:00.000Z');
});

test('a grain too fine for its stretch becomes a coarser one', () => {
  const asked = { ...questionIn('', DEFAULTS), range: '30d' as const, by: 'minute' as const };
  assert.equal(stretchOf(asked, at('2026-11-20T12:00Z')).by, 'hour');
});

test('wall time and back, in zones with halves of hours and changes of clocks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10_000_000, max: 30_000_000 }),
      fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia'),
      (minutes, tz) => {
        const back = instantOf(wallTime(minutes * MINUTE_MS, tz), tz);
        // An hour that happens twice is one of the two.
        assert.ok(Math.abs(back - minutes * MINUTE_MS) <= 3_600_000);
        assert.deepEqual(wallTime(back, tz), wallTime(minutes * MINUTE_MS, tz));
      },
    ),
  );
  assert.equal(dayStart(at('2026-03-29T12:00Z'), 'Europe/Berlin'), at('2026-03-28T23:00Z'));
  assert.equal(monthStart(at('2026-01-15T00:00Z'), 'UTC', 2), at('2025-11-01T00:00Z'));
});

const ACCOUNTS: Accounts = {
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
};

test('the equation adds up from acceptance on; from receiving on, where the stream could not be read', () => {
  assert.deepEqual([equationOf(ACCOUNTS).left.events, equationOf(ACCOUNTS).difference], [20, 0]);
  const blind = equationOf({ ...ACCOUNTS, accepted: null, unread: null });
  assert.deepEqual([blind.left.label, blind.left.events, blind.difference], ['received', 17, 0]);
  assert.equal(equationOf({ ...ACCOUNTS, counted: 8 }).difference, 1);
  assert.equal(behindMs(ACCOUNTS, at('2026-11-20T12:00:05Z')), 4_000);
  assert.equal(behindMs({ ...ACCOUNTS, unreadSince: null, inFlightSince: null }, 0), 0);
});

test('a comparison is exact only if each counter is', () => {
  const sent = { '/': 5, '/a': 3 };
  assert.equal(compare(sent, new Map([['/', 5], ['/a', 3]])).isExact, true); // biome-ignore format: a table
  const swapped = compare(sent, new Map([['/', 4], ['/a', 4]])); // biome-ignore format: a table
  assert.deepEqual([swapped.sent, swapped.counted, swapped.isExact], [8, 8, false]);
});

test('CSV: quotes, commas and formulas stay one cell of text', () => {
  const [, row] = csvOf('view', '=1+"2",3', [{ at: 'x', n: -1, state: 'final', previous: undefined }]).split(
    '\r\n',
  );
  assert.equal(row, `view,"'=1+""2"",3",x,-1,final,`);
});

test('numbers as people read them', () => {
  assert.equal(span(1_400), '1.4 s');
  assert.equal(span(125_000), '2 min');
  assert.equal(span(7_500_000), '2 h 5 min');
  assert.deepEqual(change(100, 112.4), { text: '12 %', up: true });
  assert.deepEqual(change(100, 95), { text: '5.0 %', up: false });
  assert.equal(change(0, 5), undefined);
  assert.equal(shownName('a\u202eb'), 'a\\u202eb');
});
