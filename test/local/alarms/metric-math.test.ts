// Metric math and composite rules: what the template uses means what CloudWatch says, and nothing else is let through.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRule } from '../../../local/alarms/composite-rule.ts';
import { parseExpression } from '../../../local/alarms/metric-math.ts';

const evaluate = (text: string, values: Record<string, number | undefined> = {}) =>
  parseExpression(text).evaluate((id) => values[id]);

test('operators bind as in arithmetic', () => {
  assert.equal(evaluate('1 + 2 * 3 - 4 / 2'), 5);
  assert.equal(evaluate('(1 + 2) * -3'), -9);
  assert.equal(evaluate('1 + 1 > 1 AND 2 <= 2'), 1);
  assert.equal(evaluate('0 > 1 OR 1 == 2'), 0);
  assert.equal(evaluate('a != b && a < b || 0', { a: 1, b: 2 }), 1);
  assert.equal(evaluate('1 / 0'), undefined);
});

test('sums and comparisons agree with arithmetic', () => {
  const numbers = fc.integer({ min: -1_000, max: 1_000 });
  fc.assert(
    fc.property(numbers, numbers, numbers, (a, b, c) => {
      const values = { a, b, c };
      assert.equal(evaluate('a + b - c', values), a + b - c);
      assert.equal(evaluate('IF(a > b, c, a * b)', values), a > b ? c : a * b);
      assert.equal(
        evaluate('MAX([a, b, c]) - MIN([a, b, c])', values),
        Math.max(a, b, c) - Math.min(a, b, c),
      );
    }),
  );
});

test('what is missing stays missing until it is filled', () => {
  assert.equal(evaluate('a + b', { a: 1 }), undefined);
  assert.equal(evaluate('FILL(a, 0) + FILL(b, 0)', { a: 1 }), 1);
  assert.equal(evaluate('IF(a > 0, 1, 0)'), undefined);
  assert.equal(evaluate('IF(FILL(records, 0) > 0 AND FILL(invocations, 0) == 0, 1, 0)', { records: 5 }), 1);
  assert.equal(evaluate('MAX([a, b])', { b: 2 }), 2);
  assert.deepEqual(parseExpression('FILL(a, 0) + b').ids, ['a', 'b']);
});

test('what is not known is an error that says where to add it', () => {
  for (const text of [
    'RATE(a)',
    'MAX(a)',
    'FILL(a, REPEAT)',
    'ANOMALY_DETECTION_BAND(a, 2)',
    'a ^ 2',
    '(a',
    'a b',
  ]) {
    assert.throws(() => parseExpression(text), { name: 'LocalStackError' }, text);
  }
});

test('rules of composite alarms', () => {
  const holds = (rule: string, ...on: string[]) =>
    parseRule(rule).holds((alarm) => (on.includes(alarm) ? 'ALARM' : 'OK'));
  assert.ok(holds('ALARM("a") OR ALARM(arn:aws:cloudwatch:b)', 'arn:aws:cloudwatch:b'));
  assert.ok(!holds('ALARM("a") OR ALARM("b")'));
  assert.ok(holds('ALARM(a) AND NOT ALARM(b)', 'a'));
  assert.ok(!holds('(ALARM(a) OR ALARM(b)) AND OK(c)', 'a', 'c'));
  // AND binds more than OR.
  assert.ok(holds('ALARM(a) OR ALARM(b) AND ALARM(c)', 'a'));
  assert.ok(!holds('FALSE') && holds('TRUE') && !holds('INSUFFICIENT_DATA(a)', 'a'));
  assert.deepEqual(parseRule('ALARM("a") AND (OK(b) OR ALARM("a"))').alarms, ['a', 'b']);
  for (const rule of ['AT_LEAST(2, ALARM, (a, b))', 'ALARM(a', 'ALARM(a) ALARM(b)', '']) {
    assert.throws(() => parseRule(rule), { name: 'LocalStackError' }, rule);
  }
});
