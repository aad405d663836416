// The idle bill, from the synthesized template: below $35 a month, and the sum that README gives.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { idleBill } from '../../plan/idle.ts';
import { totalOf } from '../../plan/prices.ts';
import { templateJson } from '../support/stack-template.ts';

const bill = idleBill(templateJson('prod'));
const total = totalOf(bill);

test('a stage without clients costs less than $35 a month', (t) => {
  for (const [what, dollars] of Object.entries(bill)) t.diagnostic(`${what}: $${dollars.toFixed(2)}`);
  assert.ok(total < 35, `$${total.toFixed(2)}`);
});

test('README gives this sum', () => {
  const [, given] = /idle[^$.]*\$(\d+) a month/i.exec(readFileSync('README.md', 'utf8')) ?? [];
  assert.equal(Number(given), Math.ceil(total), 'README: "idle: $… a month"');
});

test('an alarm costs for each metric that it watches', () => {
  const Metrics = [{ Expression: 'SUM([a, b])' }, { MetricStat: {} }, { MetricStat: {} }];
  const alarm = (Properties: object) => ({ Type: 'AWS::CloudWatch::Alarm', Properties: { ...Properties } });
  const { alarms } = idleBill({ Resources: { one: alarm({}), two: alarm({ Metrics }) } });
  assert.ok(Math.abs((alarms ?? 0) - 0.3) < 1e-9, `$${alarms}`);
});

test('each shard adds its hours', () => {
  const two = totalOf(idleBill(templateJson('prod', { streamShards: 2 })));
  assert.ok(two - total > 25 && two - total < 28, `$${(two - total).toFixed(2)}`);
});
