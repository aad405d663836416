// Faults between the functions and the services, with the real template and the real functions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceCall } from '../../local/emulators/fault-proxy.ts';
import { recordAnswers } from '../support/answer-recorder.ts';
import { post, resourceIn, startTestStack, untilCounted, viewsOf } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

// Every answer is validated against the API's document.
const { fetch } = recordAnswers();
const stack = await startTestStack({ faults: true });

const posted = (id: string) => post(stack.url, [{ id, metric: 'view', entity: '/a' }], fetch);
const total = () => viewsOf(stack.url, '/a', fetch);

/** Waits until exactly the given number of events is counted. */
async function exactly(counted: number): Promise<void> {
  await untilCounted(stack, counted);
  assert.equal((await stack.status()).counted, counted);
}

test('a delta that was stored, but whose answer was lost, counts once', patient, async () => {
  let lost: ServiceCall | undefined;
  stack.setFault((call) => {
    const counting =
      call.action === 'PutItem' && call.body.includes(resourceIn(stack, 'AWS::DynamoDB::Table', 'Counters'));
    if (lost !== undefined || !counting) return 'pass';
    lost = call;
    return 'lose-answer';
  });
  await posted('a');
  await exactly(1);
  assert.ok(lost !== undefined);
  assert.equal(await total(), 1);
});

test('a batch of messages that was sent, but whose answer was lost, counts once', patient, async () => {
  let lost = 0;
  stack.setFault(({ action }) => {
    if (action !== 'SendMessageBatch' || lost > 0) return 'pass';
    lost += 1;
    return 'lose-answer';
  });
  await posted('b');
  await exactly(2);
  assert.equal(lost, 1);
  assert.equal(await total(), 2);
});

test('tables that refuse writes for a while delay, and lose nothing', patient, async () => {
  let refusals = 5;
  stack.setFault(({ action }) => {
    // Reading stays possible: the test itself reads.
    if (!/^(Put|Update)Item$/.test(action) || refusals === 0) return 'pass';
    refusals -= 1;
    return {
      status: 400,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: '{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow"}',
    };
  });
  await posted('c');
  await exactly(3);
  assert.equal(refusals, 0);
  assert.equal(await total(), 3);
});
