// Every view of the console in a real browser, on a stack whose counts are known.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { open } from './support/browser.ts';
import { countEvents, runScheduled, startConsoleStack } from './support/console-stack.ts';

const { browser, stack, skip } = await startConsoleStack({ controls: { demo: () => undefined } });
const patient = { timeout: 120_000, skip };

/** Events at whole minutes of a fixed day: 1 at 09:00, 2 at 09:01, … 9 at 09:08, and 4 an hour before. */
const DAY = '2026-11-20';
const HOSTILE: readonly (readonly [name: string, entity: string])[] = [
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
  await runScheduled(stack, 'accountant');
}

const counts = (more: string) => `${stack.url}/?view=counts&metric=play&entity=%2Fvideos%2F42&${more}`;
const NINE = `from=${DAY}T09:00Z&to=${DAY}T10:00Z`;

/** Opens a page for a test, and holds afterwards that nothing went wrong in it and nothing came from elsewhere. */
async function withPage(url: string, use: (page: Page) => Promise<void>) {
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

const tile = (page: Page, label: string) => page.locator('.tile', { hasText: label }).locator('b');

test('counts: the total, the change, all time, a row for each point', patient, () =>
  withPage(counts(NINE), async (page) => {
    await page.getByText('In this stretch').waitFor();
    assert.equal(await tile(page, 'In this stretch').textContent(), '45');
    assert.equal(await tile(page, 'All time').textContent(), '56');
    // 4 in the hour before: 45 is 1025 % more.
    assert.match((await tile(page, 'Against the stretch before').textContent()) ?? '', /▲ 1,025 %/);
    assert.match((await tile(page, 'Complete through').textContent()) ?? '', /^\d\d:\d\d:\d\d$/);
    await page.getByText('Table of points').click();
    const rows = await page.locator('details tbody tr').allTextContents();
    assert.equal(rows.length, 60);
    assert.match(rows[8] ?? '', /10:089(final|provisional)/);
  }),
);

test('counts: what is shown is saved as CSV and as PNG', patient, () =>
  withPage(counts(NINE), async (page) => {
    const saved = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name }).click(),
      ]);
      return readFile(await download.path());
    };
    const lines = (await saved('CSV')).toString('utf8').split('\r\n');
    assert.equal(lines.length, 61);
    assert.match(lines[9] ?? '', /^play,\/videos\/42,2026-11-20T09:08:00Z,9,(final|provisional),0$/);
    assert.equal((await saved('PNG')).subarray(1, 4).toString('latin1'), 'PNG');
  }),
);

test('counts: dragging zooms, the URL has the question, back leads out of it', patient, () =>
  withPage(counts(NINE), async (page) => {
    const box = await page.locator('.u-over').boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + 2, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 6, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(({ searchParams }) => searchParams.get('to') !== `${DAY}T10:00Z`);
    const zoomed = new URL(page.url()).searchParams;
    assert.equal(zoomed.get('from'), `${DAY}T09:00:00.000Z`);
    const to = Date.parse(zoomed.get('to') ?? '');
    assert.ok(to < Date.parse(`${DAY}T09:15Z`), zoomed.get('to') ?? '');
    await page.reload();
    assert.equal(await tile(page, 'In this stretch').textContent(), '45');
    await page.goBack();
    await page.getByText('Table of points').click();
    await page.locator('details tbody tr').nth(59).waitFor();
    assert.equal(await page.locator('details tbody tr').count(), 60);
  }),
);

test(
  "counts: days are those of the time zone, and the zone is the browser's unless another is chosen",
  patient,
  () =>
    withPage(counts(`from=${DAY}T00:00Z&to=2026-11-22T00:00Z&by=day`), async (page) => {
      const rows = async () => {
        await page.getByText('Table of points').click();
        return page.locator('details tbody tr').allTextContents();
      };
      // 23:30 UTC is the next day in Berlin.
      assert.deepEqual(
        (await rows()).map((row) => /2026(\d+)/.exec(row)?.[1]),
        ['49', '7', '0'],
      );
      await page.getByLabel('Time zone').selectOption('UTC');
      await page.waitForURL(/tz=UTC/);
      await page.locator('main :not(.stale) > .tiles').waitFor();
      assert.deepEqual(
        (await page.locator('details tbody tr').allTextContents()).map((row) => /2026(\d+)/.exec(row)?.[1]),
        ['56', '0'],
      );
    }),
);

test('counts: without a name it says what to do; of an unknown one, that nothing is counted', patient, () =>
  withPage(`${stack.url}/?view=counts`, async (page) => {
    await page.getByRole('heading', { name: 'Choose a metric' }).waitFor();
    await page.getByRole('combobox', { name: 'Metric' }).fill('play');
    await page.getByRole('combobox', { name: 'Metric' }).press('Enter');
    await page.getByRole('heading', { name: 'Choose an entity' }).waitFor();
    await page.getByRole('combobox', { name: 'Entity' }).fill('/nothing');
    await page.getByRole('combobox', { name: 'Entity' }).press('Enter');
    await page.getByRole('heading', { name: 'Nothing counted yet' }).waitFor();
    await page.getByRole('combobox', { name: 'Metric' }).fill('no spaces');
    await page.getByRole('combobox', { name: 'Metric' }).press('Enter');
    await page.getByRole('combobox', { name: 'Entity' }).fill('/x');
    await page.getByRole('combobox', { name: 'Entity' }).press('Enter');
    await page.getByRole('heading', { name: 'Tally cannot answer this' }).waitFor();
  }),
);

for (const [name, entity] of HOSTILE) {
  test(`a hostile name is text and nothing else: ${name}`, patient, () =>
    withPage(`${stack.url}/?view=counts&metric=play&entity=${encodeURIComponent(entity)}`, async (page) => {
      const total = HOSTILE.findIndex(([each]) => each === name) + 1;
      await page.getByText('All time').waitFor();
      assert.equal(await tile(page, 'All time').textContent(), String(total));
      const shown = (await page.locator('.card-head bdi').textContent()) ?? '';
      assert.ok(!/[\u202a-\u202e]/.test(shown), 'a direction mark is shown as such');
      const plain = (text: string) => text.replace(/\\u202[ec]|[\u202c\u202e]/g, '');
      assert.equal(plain(shown), plain(entity));
      assert.equal(await overflow(page), 0);
    }),
  );
}

test('live: the names have links to their charts', patient, () =>
  withPage(counts(NINE), async (page) => {
    // What this browser looked at is known, as long as the store has no list yet.
    await page.getByText('In this stretch').waitFor();
    await page.getByRole('combobox', { name: 'Entity' }).fill('/other');
    await page.getByRole('combobox', { name: 'Entity' }).press('Enter');
    await page.waitForURL(/other/);
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    const link = page.locator('.top a', { hasText: '/other' });
    assert.equal(await page.locator('.top li', { hasText: '/other' }).locator('span').textContent(), '1');
    await link.click();
    await page.waitForURL(/view=counts.*entity=%2Fother/);
    assert.equal(await tile(page, 'All time').textContent(), '1');
  }),
);

test('where every event is: the equation adds up to what was accepted', patient, () =>
  withPage(`${stack.url}/?view=pipeline`, async (page) => {
    const events = 11 + HOSTILE.length + 2;
    await page.getByText(`Adds up: ${events} of ${events} accepted`).waitFor();
    const term = (name: string) => page.locator(`[data-term=${name}]`).textContent();
    assert.equal(await term('counted'), String(events - 1));
    assert.equal(await term('duplicate'), '1');
    assert.equal(await term('unread'), '0');
    await page.getByText('Nothing waits').waitFor();
  }),
);

test('by keyboard alone: skip link, views, suggestions, points of the chart', patient, () =>
  withPage(counts(NINE), async (page) => {
    await page.getByText('Table of points').waitFor();
    await page.locator('body').press('Tab');
    assert.equal(await page.locator(':focus').textContent(), 'Skip to the content');
    await page.getByRole('combobox', { name: 'Entity' }).focus();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('/vid');
    await page.keyboard.press('Escape');
    await page.getByRole('group', { name: /play of \/videos\/42/ }).focus();
    await page.keyboard.press('Home');
    await page.locator('.chart-tip', { hasText: '10:00' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('.chart-tip', { hasText: '10:01' }).waitFor();
    assert.match((await page.locator('.chart-tip').textContent()) ?? '', /2$/);
    await page.getByRole('link', { name: 'Where every event is' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Adds up').waitFor();
  }),
);

test('at 360 pixels nothing is wider than the screen', patient, async () => {
  assert.ok(browser);
  for (const [view, sign] of VIEWS) {
    const { page, context, problems } = await open(browser, `${stack.url}/${view}`, { width: 360 });
    await page.locator(sign).first().waitFor();
    assert.equal(await overflow(page), 0, view);
    assert.deepEqual(problems, []);
    await context.close();
  }
});

/** Each view's address, and what is there when it is. */
const VIEWS = [
  ['?view=live&metric=play', '.tile'],
  [`?view=counts&metric=play&entity=%2Fvideos%2F42&compare=previous&${NINE}`, '.u-over'],
  ['?view=pipeline', '.verdict'],
  ['?view=break', '.fault'],
  ['?view=counts', '.state'],
] as const;

for (const scheme of ['light', 'dark'] as const) {
  test(`axe finds nothing, ${scheme}`, patient, async () => {
    assert.ok(browser);
    const { default: axe } = await import('axe-core');
    for (const [view, sign] of VIEWS) {
      const { page, context } = await open(browser, `${stack.url}/${view}`, { scheme, bypassCSP: true });
      await page.locator(sign).first().waitFor();
      await page.evaluate(axe.source);
      const found = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
        const { violations } = await axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
      });
      assert.deepEqual(found, [], view);
      await context.close();
    }
  });
}

/** What of the page's own world is looked at. */
interface InPage {
  readonly document: {
    readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number };
  };
}

/** By how many pixels the page is wider than the screen. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { documentElement: root } = (globalThis as unknown as InPage).document;
    return root.scrollWidth - root.clientWidth;
  });
}
