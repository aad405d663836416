// The counts of one entity in a real browser: figures, files, zoom, zones and the chart.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { counts, DAY, NINE, patient, stack, tile, withPage } from './support/known-counts.ts';

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

/** The page's globals that are read. */
interface InPage {
  readonly document: {
    readonly documentElement: unknown;
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
