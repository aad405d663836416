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

test('each shard adds its hours', () => {
  const two = totalOf(idleBill(templateJson('prod', { streamShards: 2 })));
  assert.ok(two - total > 25 && two - total < 28, `$${(two - total).toFixed(2)}`);
});
