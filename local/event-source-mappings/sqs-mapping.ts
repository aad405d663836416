// Event source mapping of an SQS queue: several pollers, each of which collects a batch, invokes, and deletes what succeeded.
import type { Message, ReceiveMessageResult } from '@aws-sdk/client-sqs';
import { type AwsJsonClient, ServiceError } from '../emulators/aws-json.ts';
import type { LocalFunction } from '../functions/function.ts';
import { region } from '../identity.ts';
import { asNumber, asObject } from '../json.ts';
import type { Resource } from '../template/template.ts';
import {
  batchContentBytesMax,
  batchSettings,
  createGate,
  failedItems,
  type Gate,
  type Mapping,
  pauseFor,
} from './mapping.ts';

/** Settings of a queue's mapping. */
export type QueueSettings = Readonly<ReturnType<typeof queueSettings>>;

interface QueueMappingParts {
  readonly settings: QueueSettings;
  readonly queue: Pick<Resource, 'ref' | 'arn'>;
  readonly sqs: AwsJsonClient;
  readonly invoke: LocalFunction['invoke'];
}

/** Pollers of a mapping without MaximumConcurrency: AWS's initial number. */
const concurrencyMaxDefault = 5;

/** Short, because fauxqs delivers messages to a poll even if its connection is gone, and because pausing waits for it. */
const waitSeconds = 1;

/** Reads the settings of a queue's mapping. */
export function queueSettings(resource: Resource) {
  const { MaximumConcurrency } = asObject(resource.properties['ScalingConfig']);
  return {
    ...batchSettings(resource, 10),
    concurrencyMax: asNumber(MaximumConcurrency) ?? concurrencyMaxDefault,
  };
}

/** Starts the mapping's pollers. */
export function startSqsMapping(parts: QueueMappingParts): Mapping {
  const gate = createGate();
  for (let poller = 0; poller < parts.settings.concurrencyMax; poller += 1) void poll(parts, gate);
  return gate;
}

async function poll(parts: QueueMappingParts, gate: Gate): Promise<void> {
  while (!gate.signal.aborted) {
    try {
      await gate.handling(async () => {
        for (const batch of cut(await collect(parts, gate))) await handle(parts, batch);
      });
    } catch {
      // The emulator does not answer, or the mapping is stopping: the loop's condition decides.
      await pauseFor(500, gate.signal).catch(() => {});
    }
  }
}

/** Waits briefly for a message, then until the window ends or the batch is full. */
async function collect({ sqs, queue, settings }: QueueMappingParts, gate: Gate): Promise<Message[]> {
  const messages: Message[] = [];
  let bytes = 0;
  let windowEnd = Number.POSITIVE_INFINITY;
  for (;;) {
    const windowRest = windowEnd - Date.now();
    const room = settings.batchSize - messages.length;
    if (room <= 0 || windowRest <= 0 || bytes > batchContentBytesMax) return messages;
    const WaitTimeSeconds = Math.min(waitSeconds, Math.floor(windowRest / 1_000));
    const request = {
      ...{ QueueUrl: queue.ref, WaitTimeSeconds, MaxNumberOfMessages: Math.min(10, room) },
      ...{ MessageSystemAttributeNames: ['All'], MessageAttributeNames: ['All'] },
    };
    const answer: ReceiveMessageResult = await sqs.call('ReceiveMessage', request, { signal: gate.signal });
    const { Messages: received = [] } = answer;
    for (const message of received) bytes += messageBytes(message);
    messages.push(...received);
    if (messages.length === 0) return [];
    windowEnd = Math.min(windowEnd, Date.now() + settings.windowMs);
    if (received.length === 0 && WaitTimeSeconds === 0)
      await pauseFor(Math.min(100, windowRest), gate.signal);
  }
}

/** Splits messages into batches of at most 6 MB: ten messages of 1 MiB exceed that. */
function cut(messages: readonly Message[]): Message[][] {
  const batches: Message[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    bytes += messageBytes(message);
    if (bytes > batchContentBytesMax) {
      batches.push([]);
      bytes = messageBytes(message);
    }
    batches.at(-1)?.push(message);
  }
  return batches;
}

/** Approximate bytes of a message in an event, where its body is a JSON string. */
function messageBytes(message: Message): number {
  return JSON.stringify(message).length + 500;
}

async function handle(parts: QueueMappingParts, messages: readonly Message[]): Promise<void> {
  const { settings, sqs, queue } = parts;
  const outcome = await parts.invoke(sqsEvent(queue.arn, messages));
  const ids = messages.map(({ MessageId = '' }) => MessageId);
  // Failed messages become visible again after their timeout.
  const failed = new Set<string | undefined>(failedItems(outcome, settings, ids));
  const entries = messages
    .filter(({ MessageId }) => !failed.has(MessageId))
    .map(({ ReceiptHandle = '' }, index) => ({ Id: String(index), ReceiptHandle }));
  for (let start = 0; start < entries.length; start += 10) {
    const request = { QueueUrl: queue.ref, Entries: entries.slice(start, start + 10) };
    await sqs.call('DeleteMessageBatch', request).catch((error: unknown) => {
      // If they are not deleted, they are delivered again, as can happen on SQS.
      if (!(error instanceof ServiceError)) throw error;
    });
  }
}

function sqsEvent(queueArn: string, messages: readonly Message[]): object {
  return {
    Records: messages.map((message) => ({
      messageId: message.MessageId,
      receiptHandle: message.ReceiptHandle,
      body: message.Body,
      attributes: message.Attributes,
      messageAttributes: Object.fromEntries(
        Object.entries(message.MessageAttributes ?? {}).map(
          // Tally's attributes are text.
          ([name, { StringValue: stringValue, DataType: dataType }]) => [
            name,
            { stringValue, dataType, stringListValues: [], binaryListValues: [] },
          ],
        ),
      ),
      md5OfBody: message.MD5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: queueArn,
      awsRegion: region,
    })),
  };
}
