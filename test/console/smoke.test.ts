// A smoke test in a real browser; test/browser/ has the full tests (npm run test:browser).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../browser/support/browser.ts';
import { countEvents, startConsoleStack } from '../browser/support/console-stack.ts';

const { browser, stack, skip } = await startConsoleStack();

test('the console opens, and shows what was counted', { timeout: 120_000, skip }, async () => {
  assert.ok(browser);
  await countEvents(stack, [{ metric: 'play', entity: '/videos/42', n: 5 }]);
  const { page, problems } = await open(
    browser,
    `${stack.url}/?view=counts&metric=play&entity=%2Fvideos%2F42`,
  );
  await page.locator('.tile', { hasText: 'All time' }).getByText('5', { exact: true }).waitFor();
  await page.getByText('1 accepted').waitFor();
  assert.deepEqual(problems, []);
});
