// The writer with answers from memory: what it takes of a processor, beside the SDK's client alone with the same calls.
import { UpdateItemCommand, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import type { BenchDynamoDb, Sent } from './dynamodb.ts';
import { type LoadSize, loadOf } from './load.ts';
import { checkCalls, expectedCalls, type WriterHandler, write } from './runs.ts';

/** How messages are delivered, and whether what they say is applied already. */
export interface Delivery {
  readonly messagesEach: number;
  readonly replayed: boolean;
}

/** Processor time of one round, microseconds. */
export interface CpuRound {
  /** For a call, an update and an event: all that the handler takes. */
  readonly call: number;
  readonly update: number;
  readonly event: number;
  /** For a call of the same size through the SDK's client alone. */
  readonly floor: number;
}

/** As many calls as a round should have, so that short ones can be told apart. */
const CALLS_LEAST = 2_000;
/** As many at once as the writer has (writer/handler.ts). */
const AT_ONCE = 32;

const client = dynamoDb();

/** One round: the handler, then the same calls through the client alone. @throws when it made other calls than it must */
export async function cpuRound(
  handler: WriterHandler,
  table: BenchDynamoDb,
  size: LoadSize,
  { messagesEach, replayed }: Delivery,
): Promise<CpuRound> {
  const load = loadOf(0, size);
  const expected = expectedCalls(size, messagesEach);
  const calls = expected.updates + expected.acknowledgements;
  const times = Math.max(1, Math.ceil(Math.min(CALLS_LEAST, size.segments * size.counters) / calls));
  table.answer(load, { replayed, latencyMs: 0 });
  const runs: (readonly Sent[])[] = [];
  const wholeMicros = await cpuOf(async () => {
    for (let time = 0; time < times; time += 1) runs.push(await write(handler, table, load, messagesEach));
  });
  for (const sent of runs) checkCalls(sent, expected, load.events);
  const commands = (runs[0] ?? []).map(inputOf);
  const floorMicros = await cpuOf(async () => {
    for (let time = 0; time < times; time += 1) await sendAll(commands);
  });
  table.take();
  return {
    call: wholeMicros / times / calls,
    update: wholeMicros / times / expected.updates,
    event: wholeMicros / times / load.events,
    floor: floorMicros / times / calls,
  };
}

function inputOf({ body }: Sent): UpdateItemCommandInput {
  return JSON.parse(new TextDecoder().decode(body));
}

async function sendAll(inputs: readonly UpdateItemCommandInput[]): Promise<void> {
  const limit = pLimit(AT_ONCE);
  await Promise.all(
    inputs.map((input) =>
      limit(async () => {
        try {
          await client.send(new UpdateItemCommand(input));
        } catch (error) {
          if (!(error instanceof Error) || error.name !== 'ConditionalCheckFailedException') throw error;
        }
      }),
    ),
  );
}

async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
