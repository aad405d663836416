// Checking the canary: it reads both metrics over the same hours, including the current minute.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from '../../lambdas/canary/check.ts';
import { CANARY_AMOUNT } from '../../lambdas/core/canary.ts';
import { HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12, 7, 41);

test('both metrics are read over six hours, and judged', async () => {
  const asked: unknown[] = [];
  const minuteMs = Date.UTC(2026, 10, 22, 12, 7);
  const verdict = await check(NOW_MS, {
    readMinutes: async (...question) => {
      asked.push(question);
      const amount = question[0] === 'tally.canary' ? 1 : CANARY_AMOUNT;
      return { minutes: new Map([[minuteMs - 10 * MINUTE_MS, amount]]), completeThroughMs: NOW_MS };
    },
  });
  const [fromMs, toMs] = [minuteMs - 6 * HOUR_MS, minuteMs + MINUTE_MS];
  assert.deepEqual(asked, [
    ['tally.canary', 'canary', fromMs, toMs],
    ['tally.canary-expected', 'canary', fromMs, toMs],
  ]);
  assert.equal(verdict.difference, CANARY_AMOUNT - 1);
});

test('an API that does not answer is an error, not a verdict', async () => {
  const failing = { readMinutes: () => Promise.reject(new Error('503')) };
  await assert.rejects(check(NOW_MS, failing), /503/);
});
