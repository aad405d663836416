// What the console does without permission, and without a stack.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKeyValue } from '../../local/api-gateway/access.ts';
import { startLocalStack } from '../../local/stack.ts';
import { open } from './support/browser.ts';
import { startConsoleStack } from './support/console-stack.ts';

const { browser, stack, skip } = await startConsoleStack({ settings: { apiKeys: true } });
const patient = { timeout: 120_000, skip };

test(
  'a stage with keys asks for one, refuses a wrong one, and keeps the right one for the tab',
  patient,
  async () => {
    assert.ok(browser);
    const { page, problems } = await open(browser, stack.url);
    await page.getByRole('heading', { name: 'This stage asks for an API key' }).waitFor();
    await page.getByLabel('API key').fill('expired');
    await page.getByRole('button', { name: 'Open the console' }).click();
    await page.getByRole('heading', { name: 'This API key is not accepted' }).waitFor();
    const [key] = stack.template.ofType('AWS::ApiGateway::ApiKey');
    assert.ok(key);
    await page.getByLabel('API key').fill(apiKeyValue(key));
    await page.getByRole('button', { name: 'Open the console' }).click();
    await page.getByText('Connected').waitFor();
    await page.reload();
    await page.getByText('Connected').waitFor();
    assert.deepEqual(problems, []);
  },
);

test('a stack that goes away is said to, and its return is noticed', patient, async (t) => {
  assert.ok(browser);
  const port = Number(new URL(stack.url).port);
  const { page } = await open(browser, stack.url);
  await page.getByLabel('API key').waitFor();
  await stack.stop();
  const without = await startLocalStack({ port, schedules: false });
  t.after(() => without.stop());
  await page.reload();
  await page.getByText('Connected').waitFor();
  await without.stop();
  await page.getByText(/No answer since .* Trying again/).waitFor();
  const again = await startLocalStack({ port, schedules: false });
  t.after(() => again.stop());
  await page.getByText('Connected').waitFor();
});
