// The Lambda runtime: environment, context, errors, time-out, concurrency, output.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createFunction, type LocalFunction } from '../../local/functions/function.ts';
import { createFunctions } from '../../local/functions/functions.ts';
import type { FunctionDefinition } from '../../local/functions/protocol.ts';
import { StackObserver } from '../../local/observer.ts';
import { readTemplate } from '../../local/template/template.ts';
import { patient } from '../support/patience.ts';
import { smallTemplate } from './fixtures/small-template.ts';
import { createInbox } from './support/inbox.ts';
import { type Invocation, type Order, startRelay } from './support/relay.ts';

let decide: (invocation: Invocation) => Order | Promise<Order> = () => ({ return: null });
const url = await startRelay((invocation) => decide(invocation));
const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name);

function create(changes: Partial<FunctionDefinition> = {}): { function: LocalFunction; lines: string[] } {
  const lines: string[] = [];
  const created = createFunction(
    {
      name: 'Subject',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:Subject',
      entry: fixture('relay-handler.ts'),
      timeoutMs: 10_000,
      memoryMb: 128,
      concurrencyMax: 2,
      environment: { RELAY_URL: url, GREETING: 'hello' },
      ...changes,
    },
    (line) => lines.push(line),
  );
  after(() => created.stop());
  return { function: created, lines };
}

test('a handler gets its event, a context, and exactly its environment', async () => {
  let seen: Invocation | undefined;
  decide = (invocation) => {
    seen = invocation;
    return { return: { answer: ['é', 1, null] } };
  };
  const outcome = await create().function.invoke({ question: 'é' });
  assert.deepEqual(outcome, { ok: true, payload: '{"answer":["é",1,null]}' });
  assert.deepEqual(seen?.event, { question: 'é' });
  assert.deepEqual(seen?.env, { RELAY_URL: url, GREETING: 'hello' });
  assert.equal(seen?.functionName, 'Subject');
  assert.match(seen?.awsRequestId ?? '', /^[0-9a-f-]{36}$/);
  assert.ok(seen !== undefined && seen.remainingMs > 5_000 && seen.remainingMs <= 10_000);
});

test('an observer hears how each invocation ended', async () => {
  const ends: unknown[] = [];
  const observer = new StackObserver().on('functionEnded', (...end) => ends.push(end));
  const template = readTemplate(smallTemplate(url), { queueEndpoint: '' });
  const parts = { endpoints: {} as never, onOutput: () => {}, apiUrl: () => '', observer };
  const functions = createFunctions(template, parts);
  after(() => functions.stop());
  for (const order of [{ return: 1 }, { throw: 'no' }]) {
    decide = () => order;
    await functions.find('Answering').invoke({});
  }
  assert.deepEqual(ends, [
    ['Answering', 'succeeded'],
    ['Answering', 'failed'],
  ]);
});

test('a handler that returns nothing answers null', async () => {
  decide = () => ({ return: undefined });
  assert.deepEqual(await create().function.invoke({}), { ok: true, payload: 'null' });
});

test('a container is kept warm', async () => {
  const numbers: number[] = [];
  decide = ({ invocations }) => {
    numbers.push(invocations);
    return { return: null };
  };
  const { function: subject } = create();
  await subject.invoke({});
  await subject.invoke({});
  assert.deepEqual(numbers, [1, 2]);
});

describe('errors', () => {
  test('are reported as Lambda does, and the container stays', async () => {
    const { function: subject } = create();
    decide = () => ({ throw: 'no' });
    const outcome = await subject.invoke({});
    assert.ok(!outcome.ok);
    assert.deepEqual([outcome.error.errorType, outcome.error.errorMessage], ['RangeError', 'no']);
    assert.match(outcome.error.trace?.join('\n') ?? '', /relay-handler\.ts/);
    let number = 0;
    decide = ({ invocations }) => {
      number = invocations;
      return { return: null };
    };
    await subject.invoke({});
    assert.equal(number, 2);
  });

  for (const [name, order] of [
    ['waits for something', undefined],
    ['is busy', { loop: true }],
  ] as const) {
    test(
      `a handler that ${name} too long times out, and the next invocation starts cold`,
      patient,
      async () => {
        const { function: subject } = create({ timeoutMs: 1_000 });
        decide = () => order;
        const outcome = await subject.invoke({});
        assert.deepEqual(outcome, {
          ok: false,
          error: { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 1.00 seconds' },
        });
        decide = ({ invocations }) => ({ return: invocations });
        let next = await subject.invoke({});
        // On a busy machine it may take a second, too.
        while (!next.ok) next = await subject.invoke({});
        assert.equal(next.payload, '1');
      },
    );
  }

  test('a handler that ends its process', async () => {
    const { function: subject } = create();
    decide = () => ({ exit: true });
    const outcome = await subject.invoke({});
    assert.ok(!outcome.ok && outcome.error.errorType === 'Runtime.ExitError');
    decide = () => ({ return: 'alive' });
    assert.deepEqual(await subject.invoke({}), { ok: true, payload: '"alive"' });
  });

  test('a module that does not load, every time', async () => {
    const { function: subject } = create({ entry: fixture('broken-handler.ts') });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const outcome = await subject.invoke({});
      assert.ok(!outcome.ok);
      assert.equal(outcome.error.errorMessage, 'this module does not load');
    }
  });

  test('a module that is missing, or exports no handler', async () => {
    for (const entry of ['nowhere.ts', 'small-template.ts']) {
      const outcome = await create({ entry: fixture(entry) }).function.invoke({});
      assert.ok(!outcome.ok);
      assert.match(outcome.error.errorMessage, new RegExp(entry));
    }
  });

  test('a payload beyond 6 MB', async () => {
    decide = () => ({ return: 'x'.repeat(6 * 1024 * 1024) });
    const { function: subject } = create();
    const large = await subject.invoke('x'.repeat(6 * 1024 * 1024));
    const largeAnswer = await subject.invoke({});
    assert.ok(!large.ok && /^Request payload/.test(large.error.errorMessage));
    assert.ok(!largeAnswer.ok && /^Response payload/.test(largeAnswer.error.errorMessage));
  });
});

test('invocations run side by side up to the limit, the others wait', async () => {
  const { function: subject } = create({ concurrencyMax: 2 });
  const started = createInbox<number>();
  const letGo = Promise.withResolvers<void>();
  let running = 0;
  let runningMax = 0;
  decide = async () => {
    running += 1;
    runningMax = Math.max(runningMax, running);
    started.add(running);
    await letGo.promise;
    running -= 1;
    return { return: null };
  };
  const invocations = [1, 2, 3, 4].map((event) => subject.invoke(event));
  await started.atLeast(2);
  letGo.resolve();
  assert.ok((await Promise.all(invocations)).every((outcome) => outcome.ok));
  assert.equal(runningMax, 2);
});

test('the output of a handler is read line by line', async () => {
  const { function: subject, lines } = create();
  decide = () => ({ print: '{"level":"INFO"}\n{"_aws":{}}' });
  await subject.invoke({});
  await subject.stop();
  assert.deepEqual(lines, ['{"level":"INFO"}', '{"_aws":{}}']);
});

test('stopping ends running and waiting invocations', async () => {
  const { function: subject } = create({ concurrencyMax: 1 });
  const started = Promise.withResolvers<void>();
  decide = () => {
    started.resolve();
    return undefined;
  };
  const invocations = [subject.invoke(1), subject.invoke(2)];
  await started.promise;
  await subject.stop();
  for (const outcome of await Promise.all(invocations)) assert.equal(outcome.ok, false);
  assert.equal((await subject.invoke(3)).ok, false);
});
