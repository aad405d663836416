// Answers against a plain sum over minutes, cut by Intl: any history of the store, any retention, any zone; batches, comparisons.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { parseCountBatch } from '../../lambdas/query/count-batch.ts';
import { readBatch } from '../../lambdas/query/read-counts.ts';
import {
  answerTo,
  assertPlainSum,
  calendarQuestion,
  counted,
  EMPTY,
  NOW_MS,
  periodName,
  portsOf,
  question,
  settingsOf,
} from '../support/counted-questions.ts';
import { runs } from '../support/long.ts';

test('any query on any data is answered by the plain sum of its minutes, grouped as by Intl', async () => {
  await fc.assert(
    fc.asyncProperty(counted, question, async (world, parameters) => {
      const answer = await answerTo(parameters, world);
      assertPlainSum(answer, world.minutes);
      const { from, to, by, tz = 'UTC' } = parameters;
      const isAsAsked =
        answer.grain === by &&
        answer.tz === tz &&
        Date.parse(answer.from) === Number(from) &&
        (answer.next !== undefined || Date.parse(answer.to) === Number(to));
      assert.equal(answer.note === undefined, isAsAsked, answer.note);
      if (world.retentions.hours === undefined) assert.ok(isAsAsked, 'everything is kept');
    }),
    { numRuns: runs(200) },
  );
});

test('running sums grow by each point, from 0; zeros fill every gap', async () => {
  await fc.assert(
    fc.asyncProperty(counted, calendarQuestion, async (world, parameters) => {
      const answer = await answerTo({ ...parameters, cumulative: 'true', fill: 'zero' }, world);
      const { points, total, from, to } = answer;
      let sum = 0n;
      for (const point of points) {
        sum += point.n;
        assert.equal(point.sum, sum);
      }
      assert.equal(sum, total);
      const { grain, tz } = answer;
      const name = (atMs: number) => periodName(grain, tz, atMs);
      const names = new Set(points.map(({ at }) => name(Date.parse(at))));
      assert.equal(names.size, points.length, 'no period twice');
      for (let atMs = Date.parse(from); atMs < Date.parse(to); atMs += 12 * HOUR_MS) {
        assert.ok(names.has(name(atMs)), name(atMs));
      }
    }),
    { numRuns: runs(60) },
  );
});

test('a batch answers each query as if it were alone', async () => {
  await fc.assert(
    fc.asyncProperty(
      counted,
      fc.array(question, { minLength: 1, maxLength: 6 }),
      async (world, questions) => {
        const queries = [...questions, { by: 'year' }].map((each) => ({
          metric: 'view',
          entity: '/a',
          ...each,
        }));
        const batch = parseCountBatch(JSON.stringify({ queries }), NOW_MS);
        const answers = await readBatch(batch, await portsOf(world), settingsOf(world));
        const limit = String(Math.floor(50_000 / queries.length));
        const alone = questions.map((each) =>
          answerTo(each['by'] === 'total' ? each : { ...each, limit }, world),
        );
        assert.deepEqual(answers.slice(0, -1), await Promise.all(alone));
        assert.match(JSON.stringify(answers.at(-1)), /"error":"\\"by\\" must be one of/);
      },
    ),
    { numRuns: runs(100) },
  );
});

test('the previous range: as long, or as many days, weeks or months, the last as far as the current one', async () => {
  const before = async (parameters: Record<string, string>) => {
    const { previous } = await answerTo({ ...parameters, compare: 'previous' }, EMPTY);
    return `${previous?.from} ${previous?.to}`;
  };
  const berlin = { tz: 'Europe/Berlin' };
  assert.equal(
    await before({ from: '2026-11-20T10:30Z', to: '2026-11-20T12:00Z' }),
    '2026-11-20T09:00:00Z 2026-11-20T10:30:00Z',
  );
  assert.equal(
    await before({ from: '2026-10-31T23:00Z', to: '2026-11-22T05:00Z', by: 'month', ...berlin }),
    '2026-10-01T00:00:00+02:00 2026-10-22T06:00:00+02:00',
    'the month to date: as many hours of the month before',
  );
  assert.equal(
    await before({ from: '2026-10-24T22:00Z', to: '2026-10-26T23:00Z', by: 'day', ...berlin }),
    '2026-10-23T00:00:00+02:00 2026-10-25T00:00:00+02:00',
    'two days, though the day of the change has 25 hours',
  );
  assert.equal(
    await before({ from: '2026-11-15T23:00Z', to: '2026-11-22T05:00Z', by: 'week', ...berlin }),
    '2026-11-09T00:00:00+01:00 2026-11-15T06:00:00+01:00',
    'the week to date',
  );
  assert.equal(
    await before({ from: '2026-03-01T00:00Z', to: '2026-03-31T12:00Z', by: 'month' }),
    '2026-02-01T00:00:00Z 2026-03-01T00:00:00Z',
    'no month goes beyond its end',
  );
});
