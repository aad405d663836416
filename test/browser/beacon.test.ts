// navigator.sendBeacon with a JSON blob, from a page of another origin: what everybody writes, and what must arrive.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { open } from './support/browser.ts';
import { settled, startConsoleStack } from './support/console-stack.ts';

const { browser, stack, skip } = await startConsoleStack();

/** What of the page's own world is used. */
interface InPage {
  readonly navigator: { sendBeacon(url: string, body: Blob): boolean };
}

/** Whether the front door lets a page send credentials, which a beacon always does. */
async function takesBeacons(): Promise<boolean> {
  const preflight = await fetch(`${stack.url}/v1/events`, {
    method: 'OPTIONS',
    headers: { origin: 'http://127.0.0.1:1', 'access-control-request-method': 'POST' },
  });
  return preflight.headers.get('access-control-allow-credentials') === 'true';
}

test('a beacon of JSON from another origin is counted', { timeout: 60_000, skip }, async (t) => {
  assert.ok(browser);
  if (!(await takesBeacons())) return t.skip('the front door does not allow credentials yet');
  const site = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<p>a site'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  after(() => site.close());
  const { page } = await open(browser, `http://127.0.0.1:${(site.address() as AddressInfo).port}`);
  const sent = await page.evaluate((url) => {
    const body = JSON.stringify({ events: [{ metric: 'leave', entity: '/page' }] });
    const { navigator } = globalThis as unknown as InPage;
    return navigator.sendBeacon(`${url}/v1/events`, new Blob([body], { type: 'application/json' }));
  }, stack.url);
  assert.equal(sent, true);
  await settled(stack);
  const answer = await fetch(`${stack.url}/v1/counts/leave/%2Fpage`);
  assert.equal(((await answer.json()) as { total: number }).total, 1);
});
