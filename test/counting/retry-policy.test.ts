import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterFailure, parseHistory, unknownHistory } from '../../lambdas/counting/message-history.ts';
import {
  backoffMs,
  DEFAULT_RETRY_POLICY,
  InvalidRetryPolicy,
  parseRetryPolicy,
  QUEUE_DELAY_MAX_MS,
  redriveDelayMs,
} from '../../lambdas/counting/retry-policy.ts';

test('a parameter changes what it names and leaves the rest', () => {
  assert.deepEqual(parseRetryPolicy('{}'), DEFAULT_RETRY_POLICY);
  assert.deepEqual(parseRetryPolicy('{"attempts":7,"backoffBaseSeconds":0.5,"redriveDelaySeconds":10}'), {
    ...DEFAULT_RETRY_POLICY,
    attempts: 7,
    backoffBaseMs: 500,
    redriveDelayMs: 10_000,
  });
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
    ['{"toString":1}', /"toString" is not one of/],
  ];
  for (const [text, reason] of wrong) {
    assert.throws(
      () => parseRetryPolicy(text),
      (error) => error instanceof InvalidRetryPolicy && reason.test(error.message),
      text,
    );
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

test('a returned dead letter waits longer each round, as far as SQS can delay', () => {
  const waits = [0, 1, 2, 3, 4, 5].map((rounds) => redriveDelayMs(DEFAULT_RETRY_POLICY, rounds));
  assert.deepEqual(waits, [60_000, 120_000, 240_000, 480_000, QUEUE_DELAY_MAX_MS, QUEUE_DELAY_MAX_MS]);
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
  });
  assert.deepEqual(parseHistory(JSON.stringify(second)), second);
  assert.equal(afterFailure(undefined, { ...failure(1, 0), reason: 'x'.repeat(9999) }).reason.length, 500);
});

test('a label that is no history holds nothing up', () => {
  for (const text of [undefined, '', 'null', '{}', '[]', '7', '{"rounds":1}'])
    assert.equal(parseHistory(text), undefined);
  assert.equal(unknownHistory(0).rounds, 0);
});
