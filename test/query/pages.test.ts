// Pages of an answer: together they are the answer, even if counts change between two of them; tokens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DAY_MS } from '../../lambdas/core/time.ts';
import type { CountAnswer, CountPoint } from '../../lambdas/query/count-answer.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import {
  answerTo,
  asked,
  assertPlainSum,
  type Counted,
  calendarQuestion,
  counted,
  EMPTY,
  minutes,
  NOW_MS,
  ownOf,
  periodName,
  portsOf,
  range,
  settingsOf,
} from '../support/counted-questions.ts';
import type { Minutes } from '../support/counted-world.ts';
import { runs } from '../support/long.ts';

/** Every page of a question. @param changed called between pages with the number of those read */
async function pagesOf(
  parameters: Record<string, string>,
  world: Counted,
  changed: (page: number) => Counted = () => world,
): Promise<{ answer: CountAnswer; minutes: Minutes }[]> {
  const pages: { answer: CountAnswer; minutes: Minutes }[] = [];
  let next: string | undefined;
  let now = world;
  do {
    const answer = await answerTo(next === undefined ? parameters : { next }, now);
    pages.push({ answer, minutes: now.minutes });
    next = answer.next;
    now = changed(pages.length);
  } while (next !== undefined);
  return pages;
}

const pagedQuestion: fc.Arbitrary<Record<string, string>> = fc
  .tuple(
    fc.oneof(
      calendarQuestion,
      range(12).map((bounds) => ({ ...bounds, by: 'hour' })),
    ),
    fc.integer({ min: 7, max: 60 }),
    fc.constantFrom<Record<string, string>>({}, { fill: 'zero' }, { cumulative: 'true' }),
  )
  .map(([parameters, limit, more]) => ({ ...parameters, ...more, limit: String(limit) }));

test('the pages of an answer add up to the answer, and each covers its own range', async () => {
  await fc.assert(
    fc.asyncProperty(counted, pagedQuestion, async (world, parameters) => {
      const { limit = '', ...unpaged } = parameters;
      const whole = await answerTo(unpaged, world);
      const pages = await pagesOf(parameters, world);
      const points: CountPoint[] = [];
      let nextFrom = whole.from;
      for (const { answer } of pages) {
        assert.equal(answer.from, nextFrom);
        assert.ok(answer.points.length <= Number(limit));
        assertSame(answer, whole, ['grain', 'tz', 'by']);
        points.push(...answer.points);
        nextFrom = answer.to;
      }
      assert.equal(nextFrom, whole.to);
      assert.deepEqual(points, whole.points);
      assert.equal(
        pages.reduce((sum, { answer }) => sum + answer.total, 0n),
        whole.total,
      );
    }),
    { numRuns: runs(150) },
  );
});

test('what is counted between two pages changes later pages only, and running sums stay in step', async () => {
  await fc.assert(
    fc.asyncProperty(counted, pagedQuestion, minutes, async (world, parameters, more) => {
      const grown = (page: number) => ({ ...world, minutes: [...world.minutes, ...more.slice(0, page)] });
      const pages = await pagesOf(parameters, world, grown);
      let sum = 0n;
      for (const { answer, minutes: asOfThen } of pages) {
        const { points } = answer;
        assertPlainSum(
          parameters['fill'] === 'zero' ? { ...answer, points: points.filter(touched) } : answer,
          asOfThen,
        );
        for (const point of parameters['cumulative'] === 'true' ? points : []) {
          sum += point.n;
          assert.equal(point.sum, sum);
        }
        function touched({ at }: CountPoint): boolean {
          const name = periodName(answer.grain, answer.tz, Date.parse(at));
          return ownOf(asOfThen).some(
            ([atMs]) =>
              atMs >= Date.parse(answer.from) &&
              atMs < Date.parse(answer.to) &&
              periodName(answer.grain, answer.tz, atMs) === name,
          );
        }
      }
    }),
    { numRuns: runs(100) },
  );
});

test('pages of days with two midnights add up to the answer, for any start of the range', async () => {
  const minutes: Minutes = [
    [Date.parse('2010-11-07T02:40Z'), 1n],
    [Date.parse('2010-11-07T02:45Z'), 2n],
    [Date.parse('2010-11-07T12:00Z'), 3n],
    [Date.parse('2010-11-08T12:00Z'), 4n],
  ];
  // Clocks in St. John's went back from 00:01 to 23:01 at 02:31Z.
  const days = { from: '2010-11-07T02:45Z', to: '2010-11-09T00:00Z', by: 'day', tz: 'America/St_Johns' };
  const pages = await pagesOf({ ...days, limit: '1' }, { ...EMPTY, minutes });
  assert.deepEqual(
    pages.map(({ answer: { from, to, total } }) => [from, to, total]),
    [
      ['2010-11-06T23:15:00-03:30', '2010-11-08T00:00:00-03:30', 5n],
      ['2010-11-08T00:00:00-03:30', '2010-11-08T20:30:00-03:30', 4n],
    ],
  );
  assert.equal((await answerTo(days, { ...EMPTY, minutes })).total, 9n);
});

test('where midnight is within an hour, a page has at most a year of days', async () => {
  const days = { from: '2020-01-01T00:00Z', to: '2026-01-01T00:00Z', by: 'day', fill: 'zero' };
  const lengths = async (tz: string) =>
    (await pagesOf({ ...days, tz }, EMPTY)).map(({ answer }) => answer.points.length);
  assert.deepEqual(await lengths('Asia/Kathmandu'), [366, 366, 366, 366, 366, 363]);
  assert.deepEqual(await lengths('Europe/Berlin'), [2193]);
});

test('a token is for its own counter, and a page whose grain has expired meanwhile is refused', async () => {
  const { next = '' } = await answerTo({ by: 'hour', from: '2026-11-01T00:00Z', limit: '5' }, EMPTY);
  for (const wrong of [next.slice(1), `${next}A`, next.replace(/.$/, ''), '', '%00']) {
    assert.throws(() => asked({ next: wrong }), InvalidQuery, wrong);
  }
  assert.throws(() => parseCountQuery('view', '/b', { next }, NOW_MS), /not a token for this metric/);
  const retentions = { hours: DAY_MS, days: 9 * DAY_MS, months: 400 * DAY_MS, all: undefined };
  const expired = { ...EMPTY, retentions };
  const [refused] = await readCounts([asked({ next })], await portsOf(expired), settingsOf(expired));
  assert.match(String(refused), /have passed out of retention, so start again/);
});

function assertSame<K extends keyof CountAnswer>(a: CountAnswer, b: CountAnswer, names: readonly K[]): void {
  for (const name of names) assert.deepEqual(a[name], b[name], name);
}
