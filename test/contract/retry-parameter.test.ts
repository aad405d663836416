// The retry parameter as functions read it: cached for a while, updated when it changes, kept when it is wrong or missing.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ssm } from '../../lambdas/aws/clients/ssm.ts';
import { retryParameter } from '../../lambdas/aws/retry-parameter.ts';
import { createAwsJsonClient } from '../../local/emulators/aws-json.ts';
import { startParameters } from '../../local/emulators/parameters.ts';
import { credentials, region } from '../../local/identity.ts';

const name = '/tally/test/retries';
const parameters = await startParameters(new Map([[name, '{"attempts":4}']]), undefined);
const client = ssm({ region, credentials, endpoint: parameters.endpoint });
const raw = createAwsJsonClient('ssm', parameters.endpoint);
after(async () => {
  client.destroy();
  await parameters.stop();
});
const put = (Value: string) => raw.call('PutParameter', { Name: name, Value, Overwrite: true });

test('a value is used for its minute, then the new one; a wrong one keeps the last good one, and is reported', async () => {
  const clock = { ms: 0, nowMs: () => clock.ms };
  const problems: unknown[] = [];
  const source = retryParameter(client, { name, rereadMs: 60_000 }, clock, (problem) => {
    problems.push(problem);
  });
  const attemptsAt = async (ms: number) => {
    clock.ms = ms;
    return (await source.current()).attempts;
  };
  clock.ms = 1;
  assert.equal(await attemptsAt(1), 4);
  await put('{"attempts":6,"backoffJitter":1}');
  assert.equal(await attemptsAt(60_000), 4);
  assert.equal(await attemptsAt(60_001), 6);
  await put('{"attempts":0}');
  assert.equal(await attemptsAt(200_000), 6);
  assert.match(String(problems[0]), /"attempts" must be a whole number/);
  assert.equal(await attemptsAt(230_000), 6);
  assert.equal(problems.length, 1, 'told once each time it is read');
  await put('{}');
  assert.equal(await attemptsAt(300_000), 3);
});

test('a missing parameter keeps the defaults, and is reported', async () => {
  const problems: unknown[] = [];
  const nowhere = { name: '/tally/none/retries', rereadMs: 60_000 };
  const source = retryParameter(client, nowhere, { nowMs: () => 1 }, (problem) => {
    problems.push(problem);
  });
  assert.equal((await source.current()).attempts, 3);
  assert.match(String(problems[0]), /ParameterNotFound/);
});
