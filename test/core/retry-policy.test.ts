import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  afterFailure,
  encodeHistory,
  parseHistory,
  unknownHistory,
} from '../../lambdas/core/message-history.ts';
import {
  backoffMs,
  DEFAULT_RETRY_POLICY,
  InvalidRetryPolicy,
  parseRetryPolicy,
  QUEUE_DELAY_MAX_MS,
  redriveDelayMs,
} from '../../lambdas/core/retry-policy.ts';

test('a parameter changes what it names and leaves the rest', () => {
  assert.deepEqual(parseRetryPolicy('{}'), DEFAULT_RETRY_POLICY);
  assert.deepEqual(parseRetryPolicy('{"attempts":7,"backoffBaseSeconds":0.5,"redriveDelaySeconds":10}'), {
    ...DEFAULT_RETRY_POLICY,
    attempts: 7,
    backoffBaseMs: 500,
    redriveDelayMs: 10_000,
  });
});

test('a value without jitter, cap and growth keeps its meaning', () => {
  const old =
    '{"attempts":3,"backoffBaseSeconds":5,"backoffCapSeconds":300,"redrivePerSecond":50,"redriveDelaySeconds":60,"redriveRounds":5}';
  assert.deepEqual(parseRetryPolicy(old), DEFAULT_RETRY_POLICY);
});

test('a wrong parameter is refused with the field that is wrong', () => {
  const wrong: [string, RegExp][] = [
    ['', /not JSON/],
    ['[]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['{"attempt":3}', /"attempt" is not one of attempts/],
    ['{"attempts":0}', /"attempts" must be a whole number from 1 to 19/],
    ['{"attempts":20}', /"attempts"/],
    ['{"attempts":2.5}', /"attempts"/],
    ['{"attempts":"3"}', /"attempts"/],
    ['{"backoffBaseSeconds":-1}', /"backoffBaseSeconds"/],
    ['{"redrivePerSecond":0}', /"redrivePerSecond"/],
    ['{"backoffJitter":1.1}', /"backoffJitter" must be a number from 0 to 1/],
    ['{"redriveDelayGrowth":0.5}', /"redriveDelayGrowth"/],
    ['{"redriveDelayCapSeconds":901}', /"redriveDelayCapSeconds"/],
    ['{"toString":1}', /"toString" is not one of/],
    // The queue drops a message after a day or more, hidden or not.
    [
      '{"attempts":19,"backoffBaseSeconds":40000,"backoffCapSeconds":40000}',
      /"attempts" and the back-offs .* 200 hours; 12 are allowed/,
    ],
  ];
  for (const [text, reason] of wrong) {
    assert.throws(() => parseRetryPolicy(text), { constructor: InvalidRetryPolicy, message: reason }, text);
  }
});

test('back-off doubles up to its cap, and jitter keeps it in its upper half', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 19 }), random, (attempt, jitter) => {
      const fullMs = Math.min(300_000, 5_000 * 2 ** (attempt - 1));
      const waitMs = backoffMs(DEFAULT_RETRY_POLICY, attempt, jitter);
      assert.ok(waitMs >= fullMs / 2 && waitMs <= fullMs);
    }),
  );
});

test('jitter is a setting: none, or all of the back-off', () => {
  const wait = (backoffJitter: number, random: number) =>
    backoffMs({ ...DEFAULT_RETRY_POLICY, backoffJitter }, 2, random);
  assert.deepEqual([wait(0, 0), wait(0, 0.9)], [10_000, 10_000]);
  assert.deepEqual([wait(1, 0), wait(1, 0.25), wait(0.5, 0)], [0, 2_500, 5_000]);
});

test('a returned dead letter waits longer each round, as far as SQS can delay', () => {
  const waits = [0, 1, 2, 3, 4, 5].map((rounds) => redriveDelayMs(DEFAULT_RETRY_POLICY, rounds));
  assert.deepEqual(waits, [60_000, 120_000, 240_000, 480_000, QUEUE_DELAY_MAX_MS, QUEUE_DELAY_MAX_MS]);
  const tripled = { ...DEFAULT_RETRY_POLICY, redriveDelayGrowth: 3, redriveDelayCapMs: 300_000 };
  assert.deepEqual(
    [0, 1, 2].map((rounds) => redriveDelayMs(tripled, rounds)),
    [60_000, 180_000, 300_000],
  );
});

test('a history adds up attempts and keeps the first failure', () => {
  const failure = (attempts: number, nowMs: number) => ({
    attempts,
    reason: 'Throttled: slow down',
    poison: false,
    nowMs,
  });
  const first = afterFailure(undefined, failure(3, 0));
  const second = afterFailure({ ...first, rounds: 1 }, failure(2, 60_000));
  assert.deepEqual(second, {
    rounds: 1,
    attempts: 5,
    reason: 'Throttled: slow down',
    poison: false,
    firstFailureAt: '1970-01-01T00:00:00.000Z',
    lastFailureAt: '1970-01-01T00:01:00.000Z',
    failures: [
      { at: '1970-01-01T00:00:00.000Z', round: 0, attempts: 3, reason: 'Throttled: slow down' },
      { at: '1970-01-01T00:01:00.000Z', round: 1, attempts: 2, reason: 'Throttled: slow down' },
    ],
    failuresOmitted: 0,
  });
  assert.deepEqual(parseHistory(encodeHistory(second)), second);
  assert.equal(afterFailure(undefined, { ...failure(1, 0), reason: 'x'.repeat(9999) }).reason.length, 500);
});

test('a long history keeps how it began and how it is now, and stays small', () => {
  let history = unknownHistory(0);
  for (let round = 1; round <= 40; round += 1) {
    const reason = `${round} é\ufffe${'x'.repeat(400)}`;
    history = afterFailure(
      { ...history, rounds: round },
      { attempts: 3, reason, poison: false, nowMs: round },
    );
  }
  const rounds = history.failures?.map(({ round }) => round);
  assert.deepEqual(rounds, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
  assert.deepEqual([history.failuresOmitted, history.attempts], [21, 120]);
  const text = encodeHistory(history);
  assert.ok(text.length < 8_000 && /^[\x20-\x7e]*$/.test(text), `${text.length} characters`);
  assert.deepEqual(parseHistory(text), history);
});

test('a history without a list of failures is still valid', () => {
  const { failures: _, failuresOmitted: __, ...old } = unknownHistory(0);
  assert.deepEqual(parseHistory(JSON.stringify(old)), old);
  assert.equal(parseHistory(JSON.stringify({ ...old, failures: [{}] })), undefined);
});

test('an invalid history delays nothing', () => {
  for (const text of [undefined, '', 'null', '{}', '[]', '7', '{"rounds":1}'])
    assert.equal(parseHistory(text), undefined);
  assert.equal(unknownHistory(0).rounds, 0);
});
