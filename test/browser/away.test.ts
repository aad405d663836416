// The console without permission, and without a stack.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKeyValue } from '../../local/api-gateway/api.ts';
import { startLocalStack } from '../../local/stack.ts';
import { open, violations } from './support/browser.ts';
import { countEvents, startConsoleStack } from './support/console-stack.ts';

const { browser, stack, skip } = await startConsoleStack({ settings: { apiKeys: true } });
const patient = { timeout: 120_000, skip };

test(
  'a stage with keys asks for one, refuses a wrong one, and keeps the right one for the tab',
  patient,
  async () => {
    assert.ok(browser);
    const { page, context, problems } = await open(browser, stack.url, { bypassCSP: true });
    const asked = page.getByRole('heading', { name: 'Enter the API key' });
    const refused = page.getByRole('heading', { name: 'This API key is not accepted' });
    const connected = page.getByText('Connected');
    const enter = async (key: string) => {
      await page.getByLabel('API key').fill(key);
      await page.getByLabel('API key').press('Enter');
    };
    await asked.waitFor();
    assert.deepEqual(await violations(page), []);
    await enter('expired');
    await refused.waitFor();
    assert.deepEqual(await violations(page), []);
    const [resource] = stack.template.ofType('AWS::ApiGateway::ApiKey');
    assert.ok(resource);
    const key = apiKeyValue(resource);
    await enter(key);
    await connected.waitFor();
    await page.reload();
    await connected.waitFor();

    // A key that is disabled while the page is open: 403 from API Gateway, 401 from a proxy in front of it.
    for (const status of [401, 403]) {
      await page.route('**/v1/status', (route) => route.fulfill({ status, json: { message: 'Forbidden' } }));
      await refused.waitFor();
      await page.unroute('**/v1/status');
      await enter(key);
      await connected.waitFor();
      await page.locator('.tile').first().waitFor();
    }

    // Another tab does not have it.
    const tab = await context.newPage();
    await tab.goto(stack.url);
    await tab.getByRole('heading', { name: 'Enter the API key' }).waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  },
);

test(
  'a lost stack is reported, its last answer stays on the page, and its return is noticed',
  patient,
  async (t) => {
    assert.ok(browser);
    const port = Number(new URL(stack.url).port);
    await stack.stop();
    const first = await startLocalStack({ port, schedules: false });
    t.after(() => first.stop());
    await countEvents(first, [{ metric: 'play', entity: '/a', n: 2 }]);
    const { page, problems } = await open(browser, `${stack.url}/?view=pipeline`, { bypassCSP: true });
    await page.getByText('Adds up: 1 of 1 accepted').waitFor();
    await first.stop();
    await page.getByText(/No answer since .* Trying again/).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.getByText('Adds up: 1 of 1 accepted').waitFor();
    const again = await startLocalStack({ port, schedules: false });
    t.after(() => again.stop());
    await page.getByText('Connected').waitFor();
    await countEvents(again, [
      { metric: 'play', entity: '/a' },
      { metric: 'play', entity: '/b' },
    ]);
    await page.getByText('Adds up: 2 of 2 accepted').waitFor();
    assert.deepEqual(problems, []);
  },
);

test('loading, no answer and refusal are each reported, without a violation', patient, async (t) => {
  assert.ok(browser);
  const port = Number(new URL(stack.url).port);
  const present = await startLocalStack({ port, schedules: false });
  t.after(() => present.stop());
  const { page, context } = await open(browser, `${stack.url}/robots.txt`, { bypassCSP: true });
  let status = 0;
  await context.route('**/v1/status', async (route) => {
    if (status === 200) await route.continue();
    else if (status > 0) await route.fulfill({ status, json: { message: 'not now' } });
  });
  await page.goto(stack.url);
  await page.getByText('Loading the status').waitFor();
  assert.deepEqual(await violations(page), []);
  status = 503;
  await page.goto(stack.url);
  await page.getByRole('heading', { name: 'No answer from Tally' }).waitFor();
  await page.getByText('GET /v1/status: 503 not now').waitFor();
  assert.deepEqual(await violations(page), []);
  status = 200;
  await page.locator('.tile').first().waitFor();
  // A stage without keys refuses by its web ACL or a policy: a key would not help.
  status = 403;
  await page.getByRole('heading', { name: 'Tally refuses this browser' }).waitFor();
  assert.deepEqual(await violations(page), []);
  await context.close();
});
