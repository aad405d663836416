// Break it, in a real browser: each fault to its end, and every counter exact afterwards.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Demo, startDemo } from '../../local/demo.ts';
import { open, violations } from './support/browser.ts';
import { startConsoleStack } from './support/console-stack.ts';

let demo: Demo | undefined;
const { browser, stack, skip } = await startConsoleStack({ controls: { demo: () => demo } });
const patient = { timeout: 240_000, skip };

/** Opens the view, breaks the stack under its demo, and compares every counter. */
async function broken(use: (page: Page) => Promise<void>, screenshot?: string): Promise<void> {
  assert.ok(browser);
  demo ??= startDemo(stack.url, () => {}, { history: isAsked });
  // In the picture, only the fault makes events wait.
  while (isAsked && !(await isHistoryCounted()));
  const { page, context, problems } = await open(browser, `${stack.url}/?view=break`, { bypassCSP: true });
  try {
    await use(page);
    await page.getByRole('button', { name: /compare/i }).click();
    const proof = page.locator('[data-proof=exact]');
    await proof.waitFor({ timeout: 200_000 });
    const [, sent, counted] =
      /^sent ([\d,]+), counted ([\d,]+)$/.exec((await proof.textContent()) ?? '') ?? [];
    assert.ok(sent !== undefined && sent !== '0');
    assert.equal(sent, counted);
    if (screenshot !== undefined) {
      // The equation is up to a second older than the comparison.
      while ((await term(page, 'inFlight')) > 50) await page.locator('.verdict').waitFor();
      await page.screenshot({ path: screenshot });
    }
    const rows = await page.locator('.counters tbody tr').allTextContents();
    assert.ok(rows.length > 0 && rows.every((row) => row.endsWith('✓ none')), rows.join(' | '));
    assert.deepEqual(await violations(page), []);
    // Everything is repaired, and the demo continues.
    assert.equal(await page.getByRole('switch', { checked: true }).count(), 0);
    assert.equal(demo?.state().running, true);
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

async function isHistoryCounted(): Promise<boolean> {
  const { counted, unread, inFlight } = await stack.status();
  return counted > 10_000 && unread + inFlight < 50;
}

/** Zeros that are normal are not shown. */
const term = async (page: Page, name: string) =>
  Number((await page.locator(`[data-term=${name}]`).allTextContents())[0]?.replaceAll(',', '') ?? 0);

/** Resolves when a term has risen by a number of events. */
async function untilRisen(page: Page, name: string, by: number): Promise<void> {
  const before = await term(page, name);
  while ((await term(page, name)) < before + by) await page.locator('.verdict.good').waitFor();
}

test('without a fault every count is exact', patient, () =>
  broken((page) => page.getByText('The demo has sent').waitFor()),
);

for (const [title, column] of [
  ['Stop the writer', 'inFlight'],
  ['Stop the aggregator', 'unread'],
  ['Throttle the tables', 'dead'],
  ['Lose answers', 'counted'],
  ['Deliver twice', 'duplicate'],
  ['Kill a function in mid-batch', 'counted'],
] as const) {
  test(`${title}: "${column}" rises, and every count comes back exact`, patient, () =>
    broken(async (page) => {
      await page.getByRole('switch', { name: title }).click();
      await page.getByRole('switch', { name: title, checked: true }).waitFor();
      await page.getByRole('heading', { name: 'Something is broken' }).waitFor();
      assert.deepEqual(await violations(page), []);
      await untilRisen(page, column, 30);
    }),
  );
}

test('Poison a message: it is rejected, its neighbours are counted', patient, () =>
  broken(async (page) => {
    const rejected = await term(page, 'rejected');
    await page.getByRole('button', { name: 'Poison' }).click();
    await page.locator('[data-term=rejected]', { hasText: String(rejected + 1) }).waitFor();
    await untilRisen(page, 'counted', 30);
  }),
);

test('a switch that does not answer is reported', patient, () =>
  broken(async (page) => {
    await page.route('**/_local/faults', (route) =>
      route.request().method() === 'POST' ? route.fulfill({ status: 500 }) : route.continue(),
    );
    await page.getByRole('switch', { name: 'Stop the writer' }).click();
    await page.getByRole('alert').getByText('The stack did not switch: /_local/faults: 500').waitFor();
    assert.deepEqual(await violations(page), []);
    await page.unroute('**/_local/faults');
  }),
);

const SCREENSHOT = join(import.meta.dirname, '..', '..', 'docs', 'console.png');
const isAsked = process.env['UPDATE_SNAPSHOTS'] === '1';

test(
  'the screenshot of README.md',
  { ...patient, skip: skip || (!isAsked && 'UPDATE_SNAPSHOTS=1 makes it') },
  () =>
    broken(async (page) => {
      await page.getByRole('switch', { name: 'Stop the writer' }).click();
      await untilRisen(page, 'inFlight', 400);
    }, SCREENSHOT),
);

test('the demo stops with the file', { skip }, async () => {
  await demo?.stop();
});

test('another site can switch nothing', { skip }, async () => {
  const answer = await fetch(`${stack.url}/_local/faults`, {
    method: 'POST',
    headers: { origin: 'https://example.com' },
    body: '{"name":"stop-writer","on":true}',
  });
  assert.equal(answer.status, 403);
});
