// What an answer says about the events that were sent, and how long to wait after it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { outcomeOf } from '../../client/src/answers.ts';
import { retryAfterMs, waitMs } from '../../client/src/backoff.ts';
import { settingsOf } from '../../client/src/options.ts';
import { steadyClock } from '../../client/src/surroundings.ts';

const outcome = (status: number, body: unknown, retryAfter = 0) =>
  outcomeOf(
    { status, body: typeof body === 'string' ? body : JSON.stringify(body), retryAfterMs: retryAfter },
    [['a'], ['b'], ['c']],
  );

test('only a 202 that says so has stored everything', () => {
  assert.deepEqual(outcome(202, { accepted: 3 }), { kind: 'stored' });
  for (const [status, body] of [
    [202, { accepted: 2 }],
    [202, ''],
    [200, '<html>Sign in to the hotel</html>'],
    [200, { accepted: 3 }],
    [204, ''],
    [500, { message: 'x' }],
    [502, ''],
    [503, { message: 'x' }],
    [504, ''],
    [408, ''],
  ] as const)
    assert.equal(outcome(status, body).kind, 'unknown', `${status}`);
});

test('what was not taken is named, and whether that is sure', () => {
  const failed = [
    { index: 0, code: 'ProvisionedThroughputExceededException' },
    { index: 2, code: 'InternalFailure' },
  ];
  assert.deepEqual(outcome(503, { message: 'some', accepted: 1, failed }, 1_000), {
    kind: 'partly',
    left: new Set(['a', 'c']),
    unsure: new Set(['c']),
    reason: '503 some',
    retryAfterMs: 1_000,
  });
});

test('a partial answer that contradicts itself proves nothing', () => {
  const code = 'ProvisionedThroughputExceededException';
  for (const body of [
    {
      accepted: 2,
      failed: [
        { index: 0, code },
        { index: 1, code },
      ],
    },
    { accepted: 2, failed: [{ index: 3, code }] },
    { accepted: 2, failed: [{ index: -1, code }] },
    { accepted: 2, failed: [{ index: 0.5, code }] },
    { accepted: 2, failed: [null] },
    { accepted: 3, failed: [] },
    { accepted: 2, failed: 'x' },
    { failed: [{ index: 0, code }] },
    [],
    null,
  ])
    assert.equal(outcome(503, body).kind, 'unknown', JSON.stringify(body));
});

test('refusals', () => {
  assert.deepEqual(outcome(429, { message: 'slowly' }, 2_000), {
    kind: 'refused',
    reason: '429 slowly',
    retryAfterMs: 2_000,
  });
  assert.deepEqual(outcome(400, { message: 'bad' }), { kind: 'invalid', reason: '400 bad' });
  assert.equal(outcome(413, '').kind, 'tooLarge');
  for (const status of [401, 403, 404, 405, 415]) assert.equal(outcome(status, '').kind, 'forbidden');
});

test('waits double, keep below their bound, and never undercut Retry-After', () => {
  const backoff = { baseMs: 100, capMs: 3_000 };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.nat(),
      (k, r, asked) => {
        const wait = waitMs(backoff, k, r, asked);
        assert.ok(wait >= asked && wait <= asked + Math.min(3_000, 100 * 2 ** (k - 1)));
      },
    ),
  );
  assert.deepEqual(
    [1, 2, 3, 9].map((k) => waitMs(backoff, k, 0.5, 0)),
    [50, 100, 200, 1_500],
  );
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-11-22T09:00:00Z');
  assert.equal(retryAfterMs('7', now), 7_000);
  assert.equal(retryAfterMs('Sun, 22 Nov 2026 09:00:30 GMT', now), 30_000);
  assert.equal(retryAfterMs('Sun, 22 Nov 2026 08:00:00 GMT', now), 0);
  for (const header of [null, '', 'soon', '-5', '1e9']) assert.equal(retryAfterMs(header, now), 0);
});

test('a steady clock follows the faster of two: one that is set back, one that sleeps', () => {
  let [wall, monotonic] = [1_000, 5];
  const steady = steadyClock(
    () => wall,
    () => monotonic,
  );
  const step = (byWall: number, byMonotonic: number) => {
    wall += byWall;
    monotonic += byMonotonic;
    return steady();
  };
  assert.equal(step(10, 10), 10);
  assert.equal(step(-3_600_000, 10), 20, 'the time of day was set back');
  assert.equal(step(5_000, 0), 5_020, 'the machine slept');
});

test('options that would break a promise are refused with the bound', () => {
  const url = 'https://tally.example.com/prod/';
  assert.equal(settingsOf({ url }).url, 'https://tally.example.com/prod');
  assert.equal(settingsOf({ url, timeoutMs: 120_000 }).giveUpAfterMs, 450_000);
  assert.equal(settingsOf({ url, giveUpAfterMs: 540_000 }).giveUpAfterMs, 540_000);
  for (const [options, message] of [
    [{ giveUpAfterMs: 540_001 }, /"giveUpAfterMs" must be at most 540000/],
    [{ giveUpAfterMs: 480_000, timeoutMs: 120_000 }, /"giveUpAfterMs" must be at most 450000/],
    [{ dedupWindowMs: 59_999 }, /"giveUpAfterMs" must be at most -1/],
    [{ batchEvents: 501 }, /"batchEvents" must be an integer from 1 to 500/],
    [{ bufferEvents: 0 }, /"bufferEvents"/],
    [{ concurrency: 1.5 }, /"concurrency"/],
    [{ backoff: { baseMs: 10, capMs: 5 } }, /"backoff.capMs"/],
    [{ whenFull: 'drop' as never }, /"whenFull" must be one of drop-newest, drop-oldest, wait/],
  ] as const)
    assert.throws(() => settingsOf({ url, ...options }), { name: 'RangeError', message });
  for (const wrong of ['tally.example.com', 'ftp://x', 'https://x/?a=1', ''])
    assert.throws(() => settingsOf({ url: wrong }), /"url" must be the address/);
});
