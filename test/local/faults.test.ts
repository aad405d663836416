// Faults between the functions and the services, with the real template and the real functions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FunctionCall } from '../../local/emulators/fault-proxy.ts';
import { recordAnswers } from '../support/answer-recorder.ts';
import { startTestStack } from '../support/local-stack.ts';
import { patient, until } from '../support/patience.ts';

// Every answer is validated against the API's document.
const { fetch } = recordAnswers();
const stack = await startTestStack({ faults: true });

async function post(id: string): Promise<void> {
  const answer = await fetch(`${stack.url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events: [{ id, metric: 'view', entity: '/a' }] }),
  });
  assert.equal(answer.status, 202);
}

/** Waits until the given number of events is counted and none is in flight. */
async function untilCounted(counted: number): Promise<void> {
  await until(async () => {
    const status = await stack.status();
    return status.counted >= counted && status.inFlight === 0;
  });
  assert.equal((await stack.status()).counted, counted);
}

async function total(): Promise<number> {
  const answer = await fetch(`${stack.url}/v1/counts/view/${encodeURIComponent('/a')}?by=total`);
  return ((await answer.json()) as { total: number }).total;
}

test('a delta that was stored, but whose answer was lost, counts once', patient, async () => {
  let lost: FunctionCall | undefined;
  stack.setFunctionFault((call) => {
    const counting = call.action === 'PutItem' && call.body.includes(stack.ref(countersId()));
    if (lost !== undefined || !counting) return 'pass';
    lost = call;
    return 'lose-answer';
  });
  await post('a');
  await untilCounted(1);
  assert.ok(lost !== undefined);
  assert.equal(await total(), 1);
});

test('a batch of messages that was sent, but whose answer was lost, counts once', patient, async () => {
  let lost = 0;
  stack.setFunctionFault(({ action }) => {
    if (action !== 'SendMessageBatch' || lost > 0) return 'pass';
    lost += 1;
    return 'lose-answer';
  });
  await post('b');
  await untilCounted(2);
  assert.equal(lost, 1);
  assert.equal(await total(), 2);
});

test('tables that refuse writes for a while delay, and lose nothing', patient, async () => {
  let refusals = 5;
  stack.setFunctionFault(({ action }) => {
    // Reading stays possible: the test itself reads.
    if (!/^(Put|Update)Item$/.test(action) || refusals === 0) return 'pass';
    refusals -= 1;
    return {
      status: 400,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: '{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow"}',
    };
  });
  await post('c');
  await untilCounted(3);
  assert.equal(refusals, 0);
  assert.equal(await total(), 3);
});

function countersId(): string {
  const id = stack.template
    .ofType('AWS::DynamoDB::Table')
    .map((table) => table.logicalId)
    .find((logicalId) => logicalId.includes('Counters'));
  assert.ok(id !== undefined);
  return id;
}
