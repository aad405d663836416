// The queue's mapping: batches, partial answers, deletes and redelivery.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Mapping } from '../../../local/event-source-mappings/mapping.ts';
import { type QueueSettings, startSqsMapping } from '../../../local/event-source-mappings/sqs-mapping.ts';
import type { InvocationOutcome } from '../../../local/functions/protocol.ts';
import { startTestEmulators } from '../support/emulators.ts';
import { createInbox, type Inbox } from '../support/inbox.ts';
import { done, failed, inTurn } from '../support/outcomes.ts';

const { emulators, sqs } = await startTestEmulators();
const endpoint = emulators.endpoints.sqs;

interface Message {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, unknown>>;
  readonly eventSource: string;
  readonly eventSourceARN: string;
}

const settings: QueueSettings = { batchSize: 10, windowMs: 0, concurrencyMax: 1, partialAnswers: true };

let queues = 0;

/** Messages that fail become visible again after a second. */
async function createQueue(VisibilityTimeout = '1'): Promise<string> {
  queues += 1;
  const QueueName = `queue-${queues}`;
  await sqs.call('CreateQueue', { QueueName, Attributes: { VisibilityTimeout } });
  return `${endpoint}/000000000000/${QueueName}`;
}

async function send(QueueUrl: string, bodies: readonly string[]): Promise<void> {
  for (let start = 0; start < bodies.length; start += 10) {
    const Entries = bodies.slice(start, start + 10).map((MessageBody, index) => ({
      Id: String(index),
      MessageBody,
      MessageAttributes: { kind: { DataType: 'String', StringValue: 'test' } },
    }));
    await sqs.call('SendMessageBatch', { QueueUrl, Entries });
  }
}

/** Messages waiting, and messages received and not deleted. */
async function depth(QueueUrl: string): Promise<[number, number]> {
  const { Attributes } = await sqs.call('GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
  const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes as Record<
    string,
    string
  >;
  return [Number(ApproximateNumberOfMessages), Number(ApproximateNumberOfMessagesNotVisible)];
}

async function untilEmpty(queueUrl: string): Promise<void> {
  for (;;) if ((await depth(queueUrl)).join() === '0,0') return;
}

function start(
  queueUrl: string,
  changes: Partial<QueueSettings>,
  decide: (messages: readonly Message[]) => InvocationOutcome | Promise<InvocationOutcome>,
): { mapping: Mapping; batches: Inbox<readonly Message[]> } {
  const batches = createInbox<readonly Message[]>();
  const mapping = startSqsMapping({
    settings: { ...settings, ...changes },
    queue: { ref: queueUrl, arn: 'arn:aws:sqs:us-east-1:000000000000:queue' },
    sqs,
    invoke: async (event) => {
      const { Records } = event as { Records: Message[] };
      const outcome = await decide(Records);
      batches.add(Records);
      return outcome;
    },
  });
  after(() => mapping.stop(0));
  return { mapping, batches };
}

const bodies = (batch: readonly Message[]) => batch.map((message) => message.body).sort();
const failItems = (messages: readonly Message[]): InvocationOutcome => ({
  ok: true,
  payload: JSON.stringify({
    batchItemFailures: messages.map((message) => ({ itemIdentifier: message.messageId })),
  }),
});

describe('batches', () => {
  test('are delivered like those of Lambda, and deleted', async () => {
    const queue = await createQueue();
    await send(queue, ['a', 'b']);
    const { batches } = start(queue, {}, () => done);
    const [batch] = await batches.atLeast(1);
    const [message] = batch ?? [];
    assert.deepEqual(bodies(batch ?? []), ['a', 'b']);
    assert.equal(message?.eventSource, 'aws:sqs');
    assert.equal(message?.eventSourceARN, 'arn:aws:sqs:us-east-1:000000000000:queue');
    assert.equal(message?.attributes['ApproximateReceiveCount'], '1');
    assert.ok(Number(message?.attributes['SentTimestamp']) > 0);
    assert.deepEqual(message?.messageAttributes, {
      kind: { stringValue: 'test', stringListValues: [], binaryListValues: [], dataType: 'String' },
    });
    await untilEmpty(queue);
  });

  test('are within their maximum size', async () => {
    const queue = await createQueue('60');
    await send(
      queue,
      Array.from({ length: 12 }, (_, index) => String(index)),
    );
    const { batches } = start(queue, { batchSize: 5 }, () => done);
    const all = await batches.until((seen) => seen.flat().length === 12);
    assert.deepEqual(
      all.map((batch) => batch.length),
      [5, 5, 2],
    );
  });

  test('of more than ten gather within the window', async () => {
    const queue = await createQueue('60');
    await send(
      queue,
      Array.from({ length: 25 }, (_, index) => String(index)),
    );
    const { batches } = start(queue, { batchSize: 25, windowMs: 3_600_000 }, () => done);
    assert.equal((await batches.atLeast(1))[0]?.length, 25);
    await untilEmpty(queue);
  });

  test('stay below 6 MB', async () => {
    const queue = await createQueue('60');
    const megabyte = 'x'.repeat(1024 * 1024 - 100);
    for (let index = 0; index < 8; index += 1) {
      await sqs.call('SendMessage', { QueueUrl: queue, MessageBody: megabyte });
    }
    const { batches } = start(queue, {}, (messages) => {
      assert.ok(JSON.stringify(messages).length < 6 * 1024 * 1024);
      return done;
    });
    await batches.until((seen) => seen.flat().length === 8);
    await untilEmpty(queue);
  });

  test('run side by side, as many as allowed', async () => {
    const queue = await createQueue('60');
    await send(queue, ['a', 'b', 'c', 'd']);
    const bothThere = Promise.withResolvers<void>();
    let running = 0;
    let runningMax = 0;
    const { batches } = start(queue, { batchSize: 1, concurrencyMax: 2 }, async () => {
      running += 1;
      runningMax = Math.max(runningMax, running);
      if (running === 2) bothThere.resolve();
      await bothThere.promise;
      running -= 1;
      return done;
    });
    await batches.atLeast(4);
    assert.equal(runningMax, 2);
  });
});

describe('failures', () => {
  test('of items: only those are delivered again', async () => {
    const queue = await createQueue();
    await send(queue, ['good', 'bad']);
    const { batches } = start(
      queue,
      {},
      inTurn((messages) => {
        return failItems(messages.filter((message) => message.body === 'bad'));
      }),
    );
    const [, again] = await batches.atLeast(2);
    assert.deepEqual(bodies(again ?? []), ['bad']);
    assert.equal(again?.[0]?.attributes['ApproximateReceiveCount'], '2');
    await untilEmpty(queue);
  });

  for (const [name, outcome] of [
    ['an error', failed],
    ['an unknown id', { ok: true, payload: '{"batchItemFailures":[{"itemIdentifier":"unknown"}]}' }],
    ['an empty id', { ok: true, payload: '{"batchItemFailures":[{"itemIdentifier":""}]}' }],
  ] as const) {
    test(`${name} fails the whole batch`, async () => {
      const queue = await createQueue();
      await send(queue, ['a', 'b']);
      const { batches } = start(
        queue,
        {},
        inTurn(() => {
          return outcome;
        }),
      );
      const [, ...again] = await batches.until((seen) => seen.flat().length === 4);
      assert.deepEqual(bodies(again.flat()), ['a', 'b']);
      await untilEmpty(queue);
    });
  }
});

test('a paused mapping reads nothing, and continues when it is resumed', async () => {
  const queue = await createQueue('60');
  const { mapping, batches } = start(queue, { concurrencyMax: 2 }, () => done);
  await mapping.pause();
  await send(queue, ['a']);
  assert.deepEqual(await depth(queue), [1, 0]);
  mapping.resume();
  await batches.atLeast(1);
  await untilEmpty(queue);
});
