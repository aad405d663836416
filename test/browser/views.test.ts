// Every view of the console in a real browser: hostile names, figures, the keyboard, narrow screens, axe.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, violations } from './support/browser.ts';
import { countEvents } from './support/console-stack.ts';
import {
  browser,
  counts,
  DAY,
  HOSTILE,
  NINE,
  overflow,
  patient,
  stack,
  tile,
  withPage,
} from './support/known-counts.ts';

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
