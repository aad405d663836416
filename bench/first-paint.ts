// How soon the console shows something: first paint and first figures in a fresh browser, and what it loads.
import { gzipSync } from 'node:zlib';
import { consoleFiles } from '../lib/console-files.ts';
import { startDemo } from '../local/demo.ts';
import { startLocalStack } from '../local/stack.ts';
import { open, startBrowser } from '../test/browser/support/browser.ts';
import { spread } from './end-to-end/figures.ts';

const { rounds }: { rounds: number } = JSON.parse(process.argv[2] ?? '{}');

const browser = await startBrowser();
if (typeof browser === 'string') throw new Error(browser);
const stack = await startLocalStack();
const demo = startDemo(stack.url, () => {}, { history: false });
try {
  const paints: number[] = [];
  const figures: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // Each context has an empty cache.
    const { page, context } = await open(browser, stack.url);
    await page.locator('.tile').first().waitFor();
    // The page's own performance, which has the same functions as Node's.
    const [paint, figure] = await page.evaluate(
      () =>
        [performance.getEntriesByName('first-contentful-paint')[0]?.startTime, performance.now()] as const,
    );
    paints.push(paint ?? Number.NaN);
    figures.push(figure);
    await context.close();
  }
  const { page, files } = consoleFiles();
  const bytes = [page, ...files].reduce((sum, { text }) => sum + gzipSync(text).length, 0);
  console.log(`${rounds} fresh browsers, local stack with its demo, milliseconds: median (least–most)\n`);
  console.log(`first contentful paint  ${spread(paints)}`);
  console.log(`first figures           ${spread(figures)}`);
  console.log(`page, script and style  ${(bytes / 1000).toFixed(1)} kB compressed`);
} finally {
  await demo.stop();
  await stack.stop();
  await browser.close();
}
