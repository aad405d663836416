// A console whose stack has counts that are known.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { invoked } from '../../support/local-stack.ts';
import { open } from './browser.ts';
import { countEvents, startConsoleStack } from './console-stack.ts';

export const { browser, stack, skip } = await startConsoleStack({ controls: { demo: () => undefined } });
export const patient = { timeout: 120_000, skip };

/** Events at whole minutes of a fixed day: 1 at 09:00, 2 at 09:01, … 9 at 09:08, and 4 an hour before. */
export const DAY = '2026-11-20';
export const HOSTILE: readonly (readonly [name: string, entity: string])[] = [
  ['a script', '<script>alert(1)</script><img src=x onerror=alert(2)>'],
  ['quotes', `"'\`-->&amp;{{x}}`],
  ['right to left', 'abc\u202egnp.exe\u202c \u05d0\u05d1'],
  ['512 characters', 'x'.repeat(512)],
  ['a slash at its end', '/blog/'],
];

if (browser !== undefined) {
  const minutes = Array.from({ length: 9 }, (_, index) => ({
    metric: 'play',
    entity: '/videos/42',
    at: `${DAY}T09:0${index}:30Z`,
    n: index + 1,
  }));
  await countEvents(stack, [
    ...minutes,
    { metric: 'play', entity: '/videos/42', at: `${DAY}T08:30:00Z`, n: 4 },
    { metric: 'play', entity: '/videos/42', at: `${DAY}T23:30:00Z`, n: 7 },
    ...HOSTILE.map(([, entity], index) => ({ metric: 'play', entity, n: index + 1 })),
    { id: 'twice', metric: 'play', entity: '/other' },
    { id: 'twice', metric: 'play', entity: '/other' },
  ]);
  // As their schedules would.
  await invoked(stack, 'accountant');
  await invoked(stack, 'compactor');
}

export const counts = (more: string) => `${stack.url}/?view=counts&metric=play&entity=%2Fvideos%2F42&${more}`;
export const NINE = `from=${DAY}T09:00Z&to=${DAY}T10:00Z`;

/** Opens a page for a test. Afterwards, it must have no errors, and no requests to other origins. */
export async function withPage(url: string, use: (page: Page) => Promise<void>) {
  assert.ok(browser);
  const { page, context, problems, origins } = await open(browser, url);
  try {
    await use(page);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      [...origins].filter((origin) => origin !== stack.url && origin !== 'null'),
      [],
    );
  } finally {
    await context.close();
  }
}

export const tile = (page: Page, label: string) => page.locator('.tile', { hasText: label }).locator('b');

/** By how many pixels the page is wider than the screen. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = (globalThis as unknown as InPage).document.documentElement;
    return scrollWidth - clientWidth;
  });
}

/** The page's globals that are read. */
interface InPage {
  readonly document: {
    readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number };
  };
}
