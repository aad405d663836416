// Every view of the console in a real browser, on a stack with known counts.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { open, violations } from './support/browser.ts';
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
  await runScheduled(stack, 'compactor');
}

const counts = (more: string) => `${stack.url}/?view=counts&metric=play&entity=%2Fvideos%2F42&${more}`;
const NINE = `from=${DAY}T09:00Z&to=${DAY}T10:00Z`;

/** Opens a page for a test. Afterwards, it must have no errors, and no requests to other origins. */
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
    await page.getByText('This range').waitFor();
    assert.equal(await tile(page, 'This range').textContent(), '45');
    assert.equal(await tile(page, 'All time').textContent(), '56');
    // From 4 in the hour before.
    assert.equal(await tile(page, 'Change').textContent(), '▲ 1,025%');
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

test('counts: dragging zooms, the URL holds the question, back and "Zoom out" lead out of it', patient, () =>
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
    assert.equal(await tile(page, 'This range').textContent(), '45');
    await page.goBack();
    await page.getByText('Table of points').click();
    await page.locator('details tbody tr').nth(59).waitFor();
    assert.equal(await page.locator('details tbody tr').count(), 60);
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await page.waitForURL(({ searchParams }) => !searchParams.has('from'));
    await page.getByText('Last hour').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Zoom out' }).count(), 0);
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

test(
  'counts: without a name the page says what to do; for an unknown one, that nothing is counted',
  patient,
  () =>
    withPage(`${stack.url}/?view=counts`, async (page) => {
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

test('live: totals of all metrics, and top lists by period with links to charts', patient, () =>
  withPage(`${stack.url}/?view=live&metric=play`, async (page) => {
    const lastHour = async () =>
      Number(((await tile(page, 'Last 60 minutes').textContent()) ?? '').replace(/[≈, ]/g, ''));
    const before = await lastHour();
    // More entities than any list has, of a metric that is not chosen.
    const others = Array.from({ length: 150 }, (_, index) => ({ metric: 'like', entity: `/${index}` }));
    await countEvents(stack, others);
    // Averages are rounded.
    while ((await lastHour()) < before + 149) await tile(page, 'Last 60 minutes').waitFor();
    assert.ok((await lastHour()) <= before + 151);
    await tile(page, 'Events per second').filter({ hasText: /[1-9]/ }).waitFor();

    const rows = () => page.locator('.top li').allTextContents();
    await page.locator('.top li', { hasText: '/blog/5' }).waitFor();
    assert.deepEqual((await rows()).slice(0, 2), ['/blog/5', `${'x'.repeat(512)}4`]);
    assert.equal(await page.locator('.top li i').first().getAttribute('style'), 'width: 100%;');
    assert.ok(!(await rows()).some((row) => row.startsWith('/videos/42')), 'of ten days ago');
    await page.getByRole('radio', { name: 'all time' }).check();
    await page.waitForURL(/top=total/);
    await page.locator('.top li', { hasText: '/videos/4256' }).waitFor();
    await page.getByRole('radio', { name: 'day' }).check();
    await page.getByRole('heading', { name: 'Top this day' }).waitFor();
    const link = page.locator('.top a', { hasText: '/other' });
    await link.click();
    await page.waitForURL(/view=counts&metric=play&entity=%2Fother/);
    assert.equal(await tile(page, 'All time').textContent(), '1');
    await page.goBack();
    await page.getByRole('heading', { name: 'Top this day' }).waitFor();
  }),
);

test('live: without a metric it says how to send an event', patient, () =>
  withPage(`${stack.url}/?view=counts`, async (page) => {
    await page.route('**/v1/metrics', (route) => route.fulfill({ json: { metrics: [] } }));
    await page.goto(`${stack.url}/?view=live`);
    await page.getByRole('heading', { name: 'No metric yet' }).waitFor();
    await page.getByText(`curl -s ${stack.url}/v1/events`).waitFor();
  }),
);

test('where every event is: the equation adds up to what was accepted', patient, () =>
  withPage(`${stack.url}/?view=pipeline`, async (page) => {
    const events = 11 + HOSTILE.length + 2;
    await page.getByText(/^Adds up/).waitFor();
    const term = (name: string) => page.locator(`[data-term=${name}]`).textContent();
    const accepted = Number(await page.locator('.term b').first().textContent());
    assert.ok(accepted >= events);
    await page.getByText(`Adds up: ${accepted} of ${accepted} accepted`).waitFor();
    assert.equal(await term('counted'), String(accepted - 1));
    assert.equal(await term('duplicate'), '1');
    assert.equal(await term('unread'), '0');
    await page.getByText('Nothing is on the way').waitFor();
    await page.getByText('By hour of arrival').click();
    assert.match((await page.locator('tbody tr').allTextContents()).join(), /:00\d+/);
  }),
);

test('by keyboard alone: skip link, suggestions, points of the chart, zoom, views', patient, () =>
  withPage(counts(NINE), async (page) => {
    await page.getByText('Table of points').waitFor();
    await page.locator('body').press('Tab');
    assert.equal(await page.locator(':focus').textContent(), 'Skip to content');
    // They come from the top lists.
    const field = page.getByRole('combobox', { name: 'Entity' });
    const list = `#${await field.getAttribute('list')} option`;
    await page.locator(`${list}[value="/other"]`).waitFor({ state: 'attached' });
    await field.focus();
    assert.equal(await field.inputValue(), '', 'an empty field suggests everything');
    await page.keyboard.type('/oth');
    await page.keyboard.press('Escape');
    assert.equal(await field.inputValue(), '/videos/42');
    await field.focus();
    await page.keyboard.type('/other');
    await page.keyboard.press('Enter');
    await page.waitForURL(/entity=%2Fother/);
    await page.goBack();

    const chart = page.getByRole('group', { name: /play of \/videos\/42/ });
    const tip = page.locator('.chart-tip');
    await chart.focus();
    await page.keyboard.press('Home');
    await tip.filter({ hasText: '10:00' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await tip.filter({ hasText: '10:01' }).waitFor();
    assert.match((await tip.textContent()) ?? '', /(final|provisional) 2$/);
    await page.keyboard.press('+');
    await page.waitForURL(({ searchParams }) => searchParams.get('to') === `${DAY}T09:30:00.000Z`);
    assert.equal(new URL(page.url()).searchParams.get('from'), `${DAY}T09:00:00.000Z`);
    await chart.focus();
    await page.keyboard.press('-');
    await page.waitForURL(({ searchParams }) => !searchParams.has('from'));

    await page.getByRole('link', { name: 'Where every event is' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Adds up').waitFor();
  }),
);

test(
  'counts: hovering shows a point; final, provisional and the line at completeThrough look different',
  patient,
  () =>
    withPage(counts('range=1h&tz=UTC'), async (page) => {
      await page.locator('.u-over').waitFor();
      const live = await colourOf(page, '--good');
      assert.ok(live.pixels > 100, 'a line at completeThrough');
      // The first five of nine minutes are final.
      await page.route('**/v1/counts/**', async (route) => {
        const answer = await route.fetch();
        const body = (await answer.json()) as { points?: { state: string }[] };
        for (const point of body.points?.slice(0, 5) ?? []) point.state = 'final';
        await route.fulfill({ response: answer, json: body });
      });
      await page.goto(counts(NINE));
      const over = await page.locator('.u-over').boundingBox();
      assert.ok(over);
      assert.equal((await colourOf(page, '--good')).pixels, 0, 'it is not in that hour');
      const final = await colourOf(page, '--accent');
      assert.ok(final.pixels > 500);
      const minuteWidth = over.width / 60;
      assert.ok(final.right < 5 * minuteWidth && final.right > 4 * minuteWidth, `${final.right}`);
      const tip = page.locator('.chart-tip');
      for (const [minute, text] of [
        [4, '20 Nov, 10:04final 5'],
        [5, '20 Nov, 10:05provisional 6'],
      ] as const) {
        await page.mouse.move(over.x + (minute + 0.8) * minuteWidth, over.y + 50);
        await tip.filter({ hasText: /:0[45]/ }).waitFor();
        assert.equal(await tip.textContent(), text);
      }
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

/** Each view's address, and an element that shows it is ready. */
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
    for (const [view, sign] of VIEWS) {
      const { page, context } = await open(browser, `${stack.url}/${view}`, { scheme, bypassCSP: true });
      await page.locator(sign).first().waitFor();
      assert.deepEqual(await violations(page), [], view);
      await context.close();
    }
  });
}

/** The page's globals that are read. */
interface InPage {
  readonly document: {
    readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number };
    querySelector(selector: string): {
      readonly width: number;
      readonly height: number;
      readonly offsetLeft: number;
      getContext(kind: '2d'): {
        getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8Array };
      };
    };
  };
  getComputedStyle(element: unknown): { getPropertyValue(name: string): string };
}

/** How many pixels of the chart have exactly a colour, and the last of them, in pixels from the plot's left. */
function colourOf(page: Page, variable: string): Promise<{ pixels: number; right: number }> {
  return page.evaluate((name) => {
    const { document, getComputedStyle } = globalThis as unknown as InPage;
    const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const wanted = [1, 3, 5].map((from) => Number.parseInt(hex.slice(from, from + 2), 16));
    const canvas = document.querySelector('.u-wrap canvas');
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
    const left = document.querySelector('.u-over').offsetLeft;
    let [pixels, right] = [0, 0];
    for (let at = 0; at < data.length; at += 4) {
      if (wanted.some((part, index) => data[at + index] !== part) || data[at + 3] !== 255) continue;
      pixels += 1;
      right = Math.max(right, ((at / 4) % width) - left);
    }
    return { pixels, right };
  }, variable);
}

/** By how many pixels the page is wider than the screen. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { documentElement: root } = (globalThis as unknown as InPage).document;
    return root.scrollWidth - root.clientWidth;
  });
}
