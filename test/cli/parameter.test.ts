// The retry parameter of a running stack: a change takes effect without a restart, a wrong value does not, and is counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAwsJsonClient } from '../../local/emulators/aws-json.ts';
import { startOperatedStack } from '../support/operated-stack.ts';
import { patient, until } from '../support/patience.ts';

const { stack, clock, metrics, run, countersFail, post, redrive } = await startOperatedStack();

/** Functions read the parameter again within a minute. */
const REREAD_MS = 60_000;

let posted = 0;
let waiting = 0;
/** Posts an event that cannot be written. @returns the writer's number of attempts */
async function attemptsOfNext(): Promise<number> {
  posted += 1;
  waiting += 1;
  const entity = `/e${posted}`;
  await post([{ id: entity, metric: 'view', entity }]);
  await until(async () => (await stack.status()).dead === waiting);
  const { out } = await run('dead-letters', 'list', '--json', '--entity', entity);
  return (JSON.parse(out) as [{ attempts: number }])[0].attempts;
}

test(
  'a change takes effect in running functions; a wrong value keeps the last good one, and is counted',
  patient,
  async () => {
    countersFail(true);
    const fast = ['attempts=1', 'backoffBaseSeconds=0', 'backoffJitter=1'];
    // What the redriver returns is dead again soon, and is not parked.
    const set = await run('parameter', 'set', ...fast, 'redriveDelaySeconds=0', 'redriveRounds=100');
    assert.equal(set.code, 0, set.err);
    assert.deepEqual(JSON.parse(set.out).backoffJitter, 1);
    assert.equal(await attemptsOfNext(), 1);
    assert.equal((await run('parameter', 'set', 'attempts=2')).code, 0);
    clock.forward(REREAD_MS);
    assert.equal(await attemptsOfNext(), 2);

    const ssm = createAwsJsonClient('ssm', stack.endpoints.ssm);
    const wrong = { Name: '/tally/local/retries', Value: '{"attempts":"many"}', Overwrite: true };
    await ssm.call('PutParameter', wrong);
    clock.forward(REREAD_MS);
    // With an empty queue: what the redriver returned would wake another writer, which never had a good value.
    countersFail(false);
    await until(async () => {
      await redrive();
      return (await stack.status()).dead === 0 && (metrics.get('redriver RetryParameterProblems') ?? 0) > 0;
    });
    waiting = 0;
    countersFail(true);
    assert.equal(await attemptsOfNext(), 2);
  },
);

test(
  'the command repairs a wrong value, and refuses values that functions could not use',
  patient,
  async () => {
    assert.equal((await run('parameter', 'set', 'attempts=3')).code, 0);
    assert.deepEqual(JSON.parse((await run('parameter', 'get')).out), { attempts: 3 });
    for (const [args, reason] of [
      [['set', 'attempts=0'], /"attempts" must be a whole number from 1 to 19/],
      [['set', 'atempts=3'], /"atempts" is not one of/],
      [['set', 'attempts'], /must be FIELD=NUMBER, such as attempts=5/],
      [['put'], /unknown command/],
    ] as const) {
      const { code, err } = await run('parameter', ...args);
      assert.deepEqual([code, reason.test(err)], [2, true], err);
    }
  },
);
