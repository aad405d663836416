// navigator.sendBeacon with a JSON blob, from a page of another origin: what everybody writes, and what must arrive.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { open } from './support/browser.ts';
import { settled, startConsoleStack } from './support/console-stack.ts';

const { browser, stack, skip } = await startConsoleStack();

test("the README's beacon is counted, from a page of another origin", { timeout: 60_000, skip }, async () => {
  assert.ok(browser);
  const site = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<p>a site'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  after(() => site.close());
  const { page } = await open(browser, `http://127.0.0.1:${(site.address() as AddressInfo).port}/articles/1`);
  const readme = await readFile(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  const [, snippet = ''] = /```js\n([^`]*sendBeacon[^`]*)```/.exec(readme) ?? [];
  assert.equal(snippet.trim().split('\n').length, 2);
  // The snippet's own value: whether the browser took it.
  const sent = await page.evaluate(snippet.replace('http://127.0.0.1:8787', stack.url));
  assert.equal(sent, true);
  await settled(stack);
  const answer = await fetch(`${stack.url}/v1/counts/leave/%2Farticles%2F1`);
  assert.equal(((await answer.json()) as { total: number }).total, 1);
});
