// A first event for each function, as from its trigger, from a local stack that has counted something.
import { randomUUID } from 'node:crypto';
import { asList, asObject } from '../local/json.ts';
import type { LocalStack } from '../local/stack.ts';
import { rollupQueueIn } from '../local/template/names.ts';
import type { BundledFunction, BundledStack } from './bundled-stack.ts';

const AT = '2026-11-20T05:07:59Z';
const QUESTION = {
  ...{ httpMethod: 'GET', headers: {}, requestContext: {} },
  resource: '/v1/counts/{metric}/{entity+}',
  pathParameters: { metric: 'view', entity: '%2Fcold' },
  queryStringParameters: { by: 'hour', from: '2026-11-20T05:00Z', to: '2026-11-20T06:00Z' },
};

/** Prepares an empty stack for first events: pauses its mappings, and introduces a test shard to the functions. */
export async function coldEvents({ stack, functions }: BundledStack) {
  await Promise.all(stack.mappings.map((mapping) => mapping.pause()));
  let records = 0;
  /** A batch of one record after the last one, on a shard that need not exist in the stream. */
  const batch = () => {
    records += 1;
    const event = { id: randomUUID(), metric: 'view', entity: '/cold', at: AT };
    const sequenceNumber = `4${String(records).padStart(55, '0')}`;
    const data = Buffer.from(JSON.stringify(event)).toString('base64');
    const approximateArrivalTimestamp = Date.now() / 1000;
    const kinesis = { sequenceNumber, approximateArrivalTimestamp, data };
    return { Records: [{ eventID: `shardId-000000000042:${sequenceNumber}`, kinesis }] };
  };
  /** Has a warm aggregator roll up a batch, and takes its message from the queue. */
  const message = async () => {
    await invoke(stack, functions, 'aggregator', batch());
    const QueueUrl = stack.ref(rollupQueueIn(stack.template).logicalId);
    const { Messages } = await stack.call('sqs', 'ReceiveMessage', { QueueUrl, WaitTimeSeconds: 1 });
    const [taken] = asList(Messages).map(asObject);
    if (taken === undefined) throw new Error('the aggregator sent no rollup message');
    const { MessageId: messageId, ReceiptHandle: receiptHandle, Body: body } = taken;
    const attributes = { ApproximateReceiveCount: '1' };
    return { Records: [{ messageId, receiptHandle, body, attributes, messageAttributes: {} }] };
  };
  const events: Readonly<Record<string, () => unknown>> = {
    aggregator: batch,
    writer: message,
    query: () => QUESTION,
  };
  // A shard's first batch is rare and takes longer, as does the first request to a table.
  await invoke(stack, functions, 'writer', await message());
  return {
    /** The next event for a function; unique where that matters. */
    next: async (noun: string): Promise<unknown> => events[noun]?.() ?? {},
    /** @throws Error when a function did not do what it should */
    check: (noun: string, answer: unknown): void => {
      const { statusCode = 200, batchItemFailures = [] } = (answer ?? {}) as Record<string, unknown>;
      if (statusCode !== 200 || !Array.isArray(batchItemFailures) || batchItemFailures.length > 0)
        throw new Error(`the ${noun} answered ${JSON.stringify(answer)}`);
    },
  };
}

async function invoke(
  stack: LocalStack,
  functions: readonly BundledFunction[],
  noun: string,
  event: unknown,
): Promise<void> {
  const outcome = await stack.invoke(functions.find((each) => each.noun === noun)?.name ?? noun, event);
  if (!outcome.ok) throw new Error(`the ${noun} failed: ${JSON.stringify(outcome.error)}`);
}
