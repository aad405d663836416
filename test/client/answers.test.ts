// What an answer means for the events sent, and how long to wait after it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { verdictOf } from '../../client/src/answers.ts';
import { retryAfterMs, waitMs } from '../../client/src/backoff.ts';
import { TallyClient } from '../../client/src/index.ts';
import { jsonIn } from '../../client/src/json.ts';
import { settingsOf } from '../../client/src/options.ts';
import { platform, steadyClock } from '../../client/src/platform.ts';

const verdict = (status: number, body: unknown, retryAfterMs = 0, records = 1) =>
  verdictOf({ status, body: typeof body === 'string' ? body : JSON.stringify(body), retryAfterMs }, records);
const mayBeStored = (status: number, body: unknown) => {
  const said = verdict(status, body);
  return said.kind === 'again' ? said.mayBeStored : said.kind;
};

test('only a 202 with the right body has stored a batch', () => {
  assert.deepEqual(verdict(202, { accepted: 1 }), { kind: 'stored' });
  assert.deepEqual(verdict(202, { accepted: 3 }, 0, 3), { kind: 'stored' });
  for (const [status, body] of [
    [202, { accepted: 2 }],
    [202, ''],
    [200, '<html>Sign in to the hotel</html>'],
    [200, { accepted: 1 }],
    [204, ''],
    [500, { message: 'x' }],
    [502, ''],
    [503, { message: 'x' }],
    [504, ''],
    [408, ''],
  ] as const)
    assert.equal(mayBeStored(status, body), true, `${status}`);
});

test('a batch whose record the stream refused is certainly not stored', () => {
  const code = 'ProvisionedThroughputExceededException';
  const failed = [{ index: 0, code }];
  assert.equal(mayBeStored(503, { accepted: 0, failed }), false);
  for (const body of [
    { accepted: 0, failed: [{ index: 0, code: 'InternalFailure' }] },
    { accepted: 1, failed },
    { accepted: 0, failed: [{ index: 1, code }] },
    { accepted: 0, failed: [...failed, ...failed] },
    { accepted: 0, failed: [null] },
    { accepted: 0, failed: [] },
    { accepted: 0, failed: 'x' },
    { failed },
    [],
    null,
  ])
    assert.equal(mayBeStored(503, body), true, JSON.stringify(body));
});

test('refusals', () => {
  assert.deepEqual(verdict(429, { message: 'slowly' }, 2_000), {
    kind: 'again',
    mayBeStored: false,
    reason: '429 slowly',
    retryAfterMs: 2_000,
  });
  assert.deepEqual(verdict(400, { message: 'bad' }), { kind: 'invalid', reason: '400 bad' });
  assert.equal(verdict(413, '').kind, 'tooLarge');
  for (const status of [401, 403, 404, 405, 415, 501, 505])
    assert.equal(verdict(status, '').kind, 'hopeless');
  const plainHttp = '<html>The plain HTTP request was sent to HTTPS port</html>';
  assert.deepEqual(verdict(400, plainHttp), { kind: 'hopeless', reason: '400: is it Tally?' });
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

test('a steady clock follows the faster of two clocks: one may be set back, one may sleep', () => {
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
  assert.equal(settingsOf({ url, timeoutMs: 600_000 }).giveUpAfterMs, 2_970_000);
  assert.equal(settingsOf({ url, giveUpAfterMs: 3_540_000 }).giveUpAfterMs, 3_540_000);
  for (const [options, message] of [
    [{ giveUpAfterMs: 3_540_001 }, /"giveUpAfterMs" must be at most 3540000/],
    [{ giveUpAfterMs: 3_480_000, timeoutMs: 120_000 }, /"giveUpAfterMs" must be at most 3450000/],
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
  assert.throws(() => settingsOf({ url: `${url}v1/` }), {
    message: '"url" must be the address of Tally without /v1: https://tally.example.com/prod',
  });
  assert.throws(() => new TallyClient(undefined as never), /"url" is missing: new TallyClient\(\{ url/);
});

test('counts beyond 2^53 stay exact', () => {
  const text =
    '{"total":9007199254740993,"n":-9007199254740993,"small":9007199254740991,"at":"9007199254740993"}';
  assert.deepEqual(jsonIn(text), {
    total: 9_007_199_254_740_993n,
    n: -9_007_199_254_740_993n,
    small: 9_007_199_254_740_991,
    at: '9007199254740993',
  });
  const tricky =
    '{"entity":"\\"1234567890123456789\\\\","list":[0.1234567890123456789,1e300,1234567890123456.5,-1e-7]}';
  assert.deepEqual(jsonIn(tricky), JSON.parse(tricky));
  assert.equal(jsonIn('{"total":9007199254740993'), undefined);
});

test("a batch's key is a random UUID of version 4", () => {
  const keys = Array.from({ length: 100 }, () => platform().newId());
  assert.equal(new Set(keys).size, 100);
  for (const key of keys)
    assert.match(key, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});
