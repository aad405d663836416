// What an operator may ask of redrive over HTTP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidRedriveRequest, parseRedriveRequest } from '../../lambdas/redriver/redrive-request.ts';

test('without a body a request redrives as many as the rate allows, with {"max": n} at most n', () => {
  for (const body of [null, undefined, '', ' \n', '{}'])
    assert.deepEqual(parseRedriveRequest(body), { max: undefined });
  assert.deepEqual(parseRedriveRequest('{"max": 7}'), { max: 7 });
});

test('anything else is refused with the rule', () => {
  const wrong = [
    'x',
    '7',
    '[]',
    'null',
    '{"max":0}',
    '{"max":1.5}',
    '{"max":"7"}',
    '{"max":1e9}',
    '{"mx":1}',
  ];
  for (const body of wrong)
    assert.throws(
      () => parseRedriveRequest(body),
      (error) =>
        error instanceof InvalidRedriveRequest && /Send no body, or \{"max": n\}/.test(error.message),
      body,
    );
});
