// A stream, a mapping over it, and functions that end as the test says.
import { after } from 'node:test';
import { openCheckpoints } from '../../../local/event-source-mappings/checkpoints.ts';
import { startKinesisMapping } from '../../../local/event-source-mappings/kinesis-mapping.ts';
import type { BatchSettings, Mapping } from '../../../local/event-source-mappings/mapping.ts';
import type { InvocationOutcome } from '../../../local/functions/protocol.ts';
import { until } from '../../support/patience.ts';
import { startTestEmulators, textsOf } from './emulators.ts';
import { createInbox, type Inbox } from './inbox.ts';

/** The emulators' clients of this test file. */
export const { kinesis } = await startTestEmulators();

const forever: BatchSettings = {
  batchSize: 100,
  windowMs: 0,
  partialAnswers: true,
};
let streams = 0;

/** A new stream, ready. */
export async function createStream(ShardCount = 1): Promise<string> {
  streams += 1;
  const StreamName = `stream-${streams}`;
  await kinesis.call('CreateStream', { StreamName, ShardCount });
  for (;;) {
    const { StreamDescriptionSummary } = await kinesis.call('DescribeStreamSummary', { StreamName });
    if (JSON.stringify(StreamDescriptionSummary).includes('ACTIVE')) return StreamName;
  }
}

/** Waits until a stream has so many shards, closed ones included. */
export const untilShards = (StreamName: string, count: number) =>
  until(async () => {
    const { Shards } = await kinesis.call('ListShards', { StreamName });
    return (Shards as unknown[]).length === count;
  });

/** Puts records; gives their sequence numbers. */
export async function put(StreamName: string, texts: readonly string[]): Promise<string[]> {
  const Records = texts.map((text) => ({ Data: Buffer.from(text).toString('base64'), PartitionKey: text }));
  const answer = await kinesis.call('PutRecords', { StreamName, Records });
  return (answer['Records'] as { SequenceNumber: string }[]).map((record) => record.SequenceNumber);
}

/** Starts a mapping for a test; `decide` says how each invocation ends. */
export function start(
  streamName: string,
  settings: Partial<BatchSettings>,
  decide: (texts: readonly string[], event: unknown) => InvocationOutcome | Promise<InvocationOutcome>,
  checkpointFile?: string,
): { mapping: Mapping; batches: Inbox<readonly string[]> } {
  const batches = createInbox<readonly string[]>();
  const invoke = async (event: unknown) => {
    const texts = textsOf(event);
    const outcome = await decide(texts, event);
    batches.add(texts);
    return outcome;
  };
  const arn = `arn:aws:kinesis:us-east-1:000000000000:stream/${streamName}`;
  const mapping = startKinesisMapping({
    settings: { ...forever, ...settings },
    stream: { name: streamName, arn },
    kinesis,
    checkpoints: openCheckpoints(checkpointFile),
    invoke,
  });
  after(() => mapping.stop(0));
  return { mapping, batches };
}

/** `r0`, `r1` … */
export const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `r${from + index}`);
