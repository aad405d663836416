// Runs of the writer's handler over a load: what was called, and whether it is what it must be.
import { deepStrictEqual as deepEqual } from 'node:assert';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { UPDATE_SEGMENTS_MAX } from '../../lambdas/counting/counter-item.ts';
import { type BenchDynamoDb, type Sent, TABLES } from './dynamodb.ts';
import { deliveries, type LoadSize, type WriterLoad } from './load.ts';

/** The writer's handler. */
export type WriterHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** Calls that something made. */
export interface Calls {
  readonly updates: number;
  readonly acknowledgements: number;
  /** Reads of counter items: only the emulator refuses an update without saying what the item has. */
  readonly reads: number;
}

/** The calls that a load takes, so many messages a batch: an update for each counter and 50 segments, whoever applied them. */
export function expectedCalls({ segments, counters }: LoadSize, messagesEach: number): Calls {
  let updates = 0;
  for (let at = 0; at < segments; at += messagesEach) {
    updates += counters * Math.ceil(Math.min(messagesEach, segments - at) / UPDATE_SEGMENTS_MAX);
  }
  return { updates, acknowledgements: segments, reads: 0 };
}

/** Delivers a load to the writer, batch after batch. @returns the calls it made @throws when a message was not written */
export async function write(
  handler: WriterHandler,
  table: BenchDynamoDb,
  load: WriterLoad,
  messagesEach: number,
): Promise<readonly Sent[]> {
  table.take();
  for (const event of deliveries(load, messagesEach)) {
    const { batchItemFailures } = await handler(event, contextOf());
    if (batchItemFailures.length > 0)
      throw new Error(`${batchItemFailures.length} messages were not written`);
  }
  return table.take();
}

/** @throws when calls are not those expected, or updates carry not all events */
export function checkCalls(sent: readonly Sent[], expected: Calls, events: number): void {
  const seen = { updates: 0, acknowledgements: 0, reads: 0 };
  let carried = 0;
  for (const { operation, body } of sent) {
    const { TableName, ExpressionAttributeValues } = JSON.parse(new TextDecoder().decode(body));
    if (operation === 'GetItem') seen.reads += 1;
    else if (TableName !== TABLES.counters) seen.acknowledgements += 1;
    else {
      seen.updates += 1;
      carried += Number(ExpressionAttributeValues[':e'].N);
    }
  }
  deepEqual({ ...seen, events: carried }, { ...expected, events });
}

/** An invocation's context. */
export function contextOf(): Context {
  const context: Partial<Context> = {
    awsRequestId: 'a-request',
    functionName: 'writer',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:writer',
    memoryLimitInMB: '512',
    getRemainingTimeInMillis: () => 60_000,
  };
  return context as Context;
}
