// Questions about the top: what can be asked, which list answers, and what the answer says about itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Claims, NO_CLAIMS } from '../../lambdas/counting/levels.ts';
import {
  TOP_GRAINS,
  type TopGrain,
  type TopName,
  topEndMs,
  topExpiresAt,
  topKey,
  topNameIn,
  topStartMs,
} from '../../lambdas/counting/top-name.ts';
import {
  InvalidTopQuery,
  type ListRead,
  parseTopQuery,
  topAnswer,
  topFreshness,
  topNameOf,
} from '../../lambdas/query/top-query.ts';

const ms = (iso: string) => Date.parse(iso);
const NOW_MS = ms('2026-11-22T05:30:00Z');
const ask = (parameters: Record<string, string>) => parseTopQuery('view', parameters, NOW_MS);
const DAY_MS = 86_400_000;
const settings = {
  acceptPastMs: 7 * DAY_MS,
  retentionsMs: { counters: undefined, days: 30 * DAY_MS, months: undefined },
};
const claims: Claims = {
  throughMs: ms('2026-11-22T05:29:00Z'),
  days: { closedBeforeMs: ms('2026-11-22T05:00:00Z'), throughMs: ms('2026-11-22T05:20:00Z') },
  months: { closedBeforeMs: ms('2026-11-21T00:00:00Z'), throughMs: ms('2026-11-22T00:10:00Z') },
};
const ENTRIES = ['a', 'b', 'c'].map((entity, index) => ({ entity, n: BigInt(9 - index) }));
const LIST: ListRead = { list: { entries: ENTRIES, outside: undefined }, revision: 4, expiresAt: undefined };
const answer = (parameters: Record<string, string>, stored = LIST) => {
  const query = ask(parameters);
  return topAnswer(query, topNameOf(query, claims, NOW_MS), claims, stored, NOW_MS, settings);
};

test('a question has its defaults, and any instant names its period', () => {
  assert.deepEqual(ask({}), { metric: 'view', by: 'day', atMs: undefined, k: 10 });
  const query = ask({ by: 'month', at: '2026-02-03T04:05:06+01:00', k: '100' });
  assert.deepEqual([query.by, query.k], ['month', 100]);
  const { from, to } = answer({ by: 'month', at: String(ms('2026-02-03T04:05:06Z')) });
  assert.deepEqual([from, to], ['2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z']);
});

test('what can not be asked is refused with what is wrong', () => {
  for (const [parameters, message] of [
    [{ by: 'minute' }, /"by" must be one of hour, day, month/],
    [{ k: '0' }, /"k" must be/],
    [{ k: '101' }, /"k" must be/],
    [{ k: '1e1' }, /"k" must be/],
    [{ at: '2026-11-22' }, /"at" must be ISO 8601/],
    [{ by: 'hour', at: '2026-11-22T06:00:00Z' }, /has not begun/],
    [{ from: '0' }, /no parameter "from"/],
  ] as const) {
    assert.throws(
      () => ask(parameters),
      (error: unknown) => error instanceof InvalidTopQuery && message.test(error.message),
      JSON.stringify(parameters),
    );
  }
});

test('without a time it is the last closed period; of nothing closed, the one of now', () => {
  assert.equal(answer({ by: 'hour' }).from, '2026-11-22T04:00:00Z');
  assert.equal(answer({ by: 'day' }).from, '2026-11-21T00:00:00Z');
  assert.equal(answer({ by: 'month' }).from, '2026-10-01T00:00:00Z');
  const query = ask({ by: 'hour' });
  assert.equal(topNameOf(query, NO_CLAIMS, NOW_MS).startMs, ms('2026-11-22T05:00:00Z'));
});

test('the answer has the claim of its level, and is final once nothing can be accepted any more', () => {
  const closed = answer({ by: 'day', at: '2026-11-21T00:00:00Z', k: '2' });
  assert.equal(closed.completeThrough, '2026-11-22T05:20:00.000Z');
  assert.deepEqual([closed.state, closed.note], ['provisional', undefined]);
  assert.deepEqual(closed.entries, ENTRIES.slice(0, 2));
  const final = answer({ by: 'day', at: '2026-11-14T00:00:00Z' });
  assert.deepEqual(
    [final.state, final.completeThrough],
    ['final', '2026-11-22T00:01:00.000Z'],
    'fixed for ever',
  );
  assert.equal(answer({ by: 'month', at: '2026-10-01T00:00:00Z' }).state, 'final');
  assert.match(String(answer({ by: 'month', at: '2026-11-01T00:00:00Z' }).note), /the month is still open/);
});

/** An answer, and for how long it may be used again, at some time and with some claims. */
const kept = (parameters: Record<string, string>, stored = LIST, nowMs = NOW_MS, claimed = claims) => {
  const query = ask(parameters);
  const name = topNameOf(query, claimed, nowMs);
  const answer = topAnswer(query, name, claimed, stored, nowMs, settings);
  return { answer, ...topFreshness(query, name, answer, stored, nowMs, settings) };
};

test('what is final is kept for a week, what is open, short or about no certain period for seconds', () => {
  const [final, open] = [
    { maxAgeSeconds: 7 * 86_400, isImmutable: true },
    { maxAgeSeconds: 5, isImmutable: false },
  ];
  const freshness = (...of: Parameters<typeof kept>) => {
    const { answer: _, ...rest } = kept(...of);
    return rest;
  };
  const old = { at: '2026-11-10T00:00:00Z' };
  assert.deepEqual(freshness(old), final);
  assert.deepEqual(freshness({ at: '2026-11-21T00:00:00Z' }), open, 'a late event may come');
  assert.deepEqual(freshness({ by: 'month', at: '2026-11-01T00:00:00Z' }), open, 'not over');
  assert.deepEqual(freshness({ by: 'hour' }), open, 'the last closed hour is soon another one');
  const short = { ...LIST, list: { entries: ENTRIES, outside: { entity: 'z', n: 8n } } };
  assert.deepEqual(freshness({ ...old, k: '3' }, short), open, 'it may be made anew');
  assert.deepEqual(freshness({ ...old, k: '2' }, short), final);
  const soon = { ...LIST, expiresAt: NOW_MS / 1000 + 60 };
  assert.deepEqual(freshness(old, soon), { maxAgeSeconds: 60, isImmutable: true });
  assert.deepEqual(freshness(old, { ...LIST, expiresAt: NOW_MS / 1000 }), open);
});

test('what may be kept as immutable is word for word the same until then, whatever the claims do', () => {
  const later = fc.record({
    claimsMs: fc.nat(40 * DAY_MS),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const daysAgo = fc.integer({ min: 0, max: 60 });
  const expiry = fc.option(fc.integer({ min: -60, max: 20 * 86_400 }), { nil: undefined });
  let immutable = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...TOP_GRAINS),
      daysAgo,
      expiry,
      later,
      (by, ago, seconds, { claimsMs, part }) => {
        const stored = {
          ...LIST,
          expiresAt: seconds === undefined ? undefined : NOW_MS / 1000 + seconds,
        };
        const asking = { by, at: String(NOW_MS - ago * DAY_MS) };
        const before = kept(asking, stored);
        if (!before.isImmutable) return assert.equal(before.maxAgeSeconds, 5);
        immutable += 1;
        const risen = (ofMs: number) => ofMs + claimsMs;
        const level = ({ closedBeforeMs, throughMs }: Claims['days']) => ({
          closedBeforeMs: risen(closedBeforeMs),
          throughMs: risen(throughMs),
        });
        const claimed: Claims = {
          throughMs: risen(claims.throughMs),
          days: level(claims.days),
          months: level(claims.months),
        };
        const nowMs = NOW_MS + Math.floor(before.maxAgeSeconds * part) * 1000 - 1;
        assert.deepEqual(kept(asking, stored, nowMs, claimed).answer, before.answer);
        assert.equal(before.answer.state, 'final');
      },
    ),
    { numRuns: 500 },
  );
  assert.ok(immutable > 50, `${immutable} immutable answers`);
});

test('a list that can not say as many says how many, and one past its retention says nothing', () => {
  const fallen = { ...LIST, list: { entries: ENTRIES, outside: { entity: 'z', n: 8n } } };
  const at = '2026-11-10T00:00:00Z';
  const short = answer({ at, k: '3' }, fallen);
  assert.deepEqual([short.entries.length, short.state], [2, 'provisional']);
  assert.match(String(short.note), /first 2 are certain/);
  assert.deepEqual(answer({ at, k: '2' }, fallen).note, undefined);
  const old = { by: 'hour', at: '2026-01-01T00:00:00Z' };
  const none = { ...LIST, list: { entries: [], outside: undefined }, revision: 0 };
  assert.match(String(answer(old, none).note), /no list of this hour is kept/);
  const expired = answer(old, { ...LIST, expiresAt: NOW_MS / 1000 });
  assert.deepEqual([expired.entries, expired.state], [[], 'provisional']);
});

test('a key names its list, and no other; lists are kept as long as the sums of their grain', () => {
  const names = fc.record({
    metric: fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
    by: fc.constantFrom(...TOP_GRAINS),
    atMs: fc.integer({ min: 0, max: ms('9999-12-31T23:59:59Z') }),
  });
  fc.assert(
    fc.property(names, ({ metric, by, atMs }) => {
      const name: TopName = { metric, by, startMs: topStartMs(by, atMs) };
      assert.deepEqual(topNameIn(topKey(name)), name);
      assert.ok(name.startMs <= atMs && atMs < topEndMs(name));
    }),
  );
  for (const sk of ['X#2026-11-22', 'H#2026-13-22T05', 'D#']) {
    assert.throws(() => topNameIn({ pk: 'TOP#view', sk }), RangeError);
  }
  const kept = { days: DAY_MS, months: 30 * DAY_MS };
  const at = (by: TopGrain, start: string) => topExpiresAt({ by, startMs: ms(start) }, kept);
  // Two days are the grace that every item has.
  assert.equal(at('hour', '2026-11-22T05:00Z'), ms('2026-11-26T00:00Z') / 1000);
  assert.equal(at('day', '2026-11-22T00:00Z'), ms('2027-01-02T00:00Z') / 1000);
  assert.equal(at('month', '2026-11-01T00:00Z'), undefined);
});
