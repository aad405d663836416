// What a page of another origin does with Tally: send a beacon, show a badge, read a public counter.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { open } from './support/browser.ts';
import { countEvents, settled, startConsoleStack } from './support/console-stack.ts';

const { browser, stack, skip } = await startConsoleStack({ settings: { publicMetrics: ['leave'] } });
const patient = { timeout: 120_000, skip };

/** The page's globals that are used. */
interface InPage {
  readonly document: {
    createElement(name: 'img'): { src: string; naturalWidth: number; decode(): Promise<void> };
  };
}

/** An empty page of another origin. */
async function otherSite(): Promise<Page> {
  assert.ok(browser);
  const site = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<p>a site'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  after(() => site.close());
  const { page } = await open(browser, `http://127.0.0.1:${(site.address() as AddressInfo).port}/articles/1`);
  return page;
}

test("the README's beacon is counted", patient, async () => {
  const page = await otherSite();
  const readme = await readFile(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  const [, snippet = ''] = /```js\n([^`]*sendBeacon[^`]*)```/.exec(readme) ?? [];
  assert.equal(snippet.trim().split('\n').length, 2);
  // The snippet's value: whether the browser accepted it.
  assert.equal(await page.evaluate(snippet.replace('http://127.0.0.1:8787', stack.url)), true);
  await settled(stack);
  const answer = await fetch(`${stack.url}/v1/counts/leave/%2Farticles%2F1`);
  assert.equal(((await answer.json()) as { total: number }).total, 1);
});

test('a badge shows in an <img>, and its JSON can be read', patient, async () => {
  await countEvents(stack, [{ metric: 'leave', entity: '/a"<b>&', n: 1_204_331 }]);
  const page = await otherSite();
  const counter = `${stack.url}/v1/public/leave/${encodeURIComponent('/a"<b>&')}`;
  const width = await page.evaluate(
    async (src) => {
      const image = (globalThis as unknown as InPage).document.createElement('img');
      image.src = src;
      await image.decode();
      return image.naturalWidth;
    },
    `${counter}.svg?label=${encodeURIComponent('<plays> & "more"')}`,
  );
  assert.ok(width > 200 && width < 320, `${width}`);
  const read = await page.evaluate(async (url) => (await fetch(url)).json(), `${counter}.json`);
  assert.equal((read as { total: number }).total, 1_204_331);
});
