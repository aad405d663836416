// Deploying: missing prerequisites are reported before anything is bundled, and the output ends with a line to paste.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstSteps, lookAhead } from '../../cli/deploy/deploy.ts';

const BOOTSTRAP = '/cdk-bootstrap/hnb659fds/version';
const account =
  (...names: string[]) =>
  async (name: string) =>
    names.includes(name) ? `arn:aws:ssm:eu-west-1:123456789012:parameter${name}` : undefined;

test('an account that is not bootstrapped gets the command for it', async () => {
  await assert.rejects(lookAhead('dev', true, account()), { message: /npx cdk bootstrap/, exitCode: 1 });
});

test('a missing stage needs --new, so that a misspelt one creates nothing', async () => {
  await assert.rejects(lookAhead('prdo', false, account(BOOTSTRAP, '/tally/prod/resources')), {
    message: 'There is no stage "prdo" in account 123456789012, eu-west-1: add --new to create it.',
    exitCode: 2,
  });
  const target = { account: '123456789012', region: 'eu-west-1' };
  assert.deepEqual(await lookAhead('dev', true, account(BOOTSTRAP)), { ...target, exists: false });
  const deployed = account(BOOTSTRAP, '/tally/dev/resources');
  assert.deepEqual(await lookAhead('dev', false, deployed), { ...target, exists: true });
});

test('it ends with URL, key and a ready curl line', () => {
  const said = firstSteps('https://abc.execute-api.eu-west-1.amazonaws.com/dev/', { id: 'a1', value: 'k3y' });
  assert.match(said, /^URL {2}https:\/\/abc\.execute-api\.eu-west-1\.amazonaws\.com\/dev$/m);
  assert.match(said, /^Key {2}k3y$/m);
  assert.match(said, /curl -X POST https:\/\/abc\S+\/dev\/v1\/events -H 'x-api-key: k3y' /);
  assert.doesNotMatch(firstSteps('https://x/', undefined), /x-api-key/);
  const unread = firstSteps('https://x/', { id: 'a1', value: undefined });
  assert.match(unread, /^Key {2}read it with aws apigateway get-api-key --include-value --api-key a1$/m);
  assert.match(unread, /-H 'x-api-key: KEY'/);
});
