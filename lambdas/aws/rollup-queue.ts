// The queue between aggregator and writer, from both ends.
import {
  ChangeMessageVisibilityCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import pLimit from 'p-limit';
import { encodeHistory, type MessageHistory, parseHistory } from '../core/message-history.ts';
import type { RollupMessage } from '../core/rollup-message.ts';
import type { DeliveredMessage, FailedMessages } from '../dead-letter-ports.ts';
import type { RollupQueue } from '../ports.ts';

/** The message attribute that carries a dead letter's history. */
export const HISTORY_ATTRIBUTE = 'history';
const BATCH_MESSAGES_MAX = 10;
/** SQS allows 1 MiB; the rest is room for ids. */
const BATCH_BYTES_MAX = 1_000_000;
const SEND_TRIES = 3;
const SENDS_AT_ONCE = 4;

/** SQS did not accept some messages in any attempt. The batch fails, and its next attempt sends them again. */
export class MessagesNotSent extends Error {
  override readonly name = 'MessagesNotSent';
}

type Message = Pick<RollupMessage, 'body'>;

/** Sends messages: those of rollups, and the collector's announcements. */
export class SqsRollupQueue implements RollupQueue {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #batchMessagesMax: number;

  constructor(client: SQSClient, url: string, batchMessagesMax = BATCH_MESSAGES_MAX) {
    this.#client = client;
    this.#url = url;
    this.#batchMessagesMax = batchMessagesMax;
  }

  async send(messages: readonly Message[]): Promise<void> {
    const limit = pLimit(SENDS_AT_ONCE);
    await Promise.all(
      inBatches(messages, this.#batchMessagesMax).map((batch) => limit(() => this.#sendBatch(batch))),
    );
  }

  /** A 200 may contain failed entries; only those are sent again. */
  async #sendBatch(batch: readonly Message[]): Promise<void> {
    let missing = batch;
    const codes = new Set<string>();
    for (let attempt = 0; attempt < SEND_TRIES && missing.length > 0; attempt += 1) {
      const Entries = missing.map(({ body }, index) => ({ Id: String(index), MessageBody: body }));
      const { Successful = [], Failed = [] } = await this.#client.send(
        new SendMessageBatchCommand({ QueueUrl: this.#url, Entries }),
      );
      const sent = new Set(Successful.map(({ Id }) => Id));
      for (const { Code } of Failed) codes.add(Code ?? 'unknown');
      missing = missing.filter((_, index) => !sent.has(String(index)));
    }
    if (missing.length > 0) {
      throw new MessagesNotSent(
        `${missing.length} messages were not accepted by SQS: ${[...codes].join(', ')}`,
      );
    }
  }
}

function inBatches(messages: readonly Message[], messagesMax: number): Message[][] {
  const batches: Message[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const batch = batches.at(-1);
    const full = batch === undefined || batch.length === messagesMax;
    if (full || bytes + message.body.length > BATCH_BYTES_MAX) {
      batches.push([message]);
      bytes = message.body.length;
    } else {
      batch.push(message);
      bytes += message.body.length;
    }
  }
  return batches;
}

export function deliveredMessage(record: SQSRecord): DeliveredMessage {
  return {
    messageId: record.messageId,
    receiptHandle: record.receiptHandle,
    body: record.body,
    receiveCount: Number(record.attributes.ApproximateReceiveCount),
    history: parseHistory(record.messageAttributes[HISTORY_ATTRIBUTE]?.stringValue),
  };
}

export function historyAttributes(history: MessageHistory) {
  return { [HISTORY_ATTRIBUTE]: { DataType: 'String', StringValue: encodeHistory(history) } };
}

/** SQS hides a message for 12 hours from its receipt at most, and refuses more than what is left of them: five minutes for the run. */
const VISIBILITY_MAX_SECONDS = 42_900;

/** Failures on the receiving end: hides a message for a while, or moves it to the dead-letter queue. */
export class SqsFailedMessages implements FailedMessages {
  readonly #client: SQSClient;
  readonly #queueUrl: string;
  readonly #deadLetterUrl: string;

  constructor(client: SQSClient, queueUrl: string, deadLetterUrl: string) {
    this.#client = client;
    this.#queueUrl = queueUrl;
    this.#deadLetterUrl = deadLetterUrl;
  }

  async delay({ receiptHandle }: DeliveredMessage, delayMs: number): Promise<void> {
    await this.#client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.#queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: Math.min(VISIBILITY_MAX_SECONDS, Math.ceil(delayMs / 1000)),
      }),
    );
  }

  async bury({ body }: Pick<DeliveredMessage, 'body'>, history: MessageHistory): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#deadLetterUrl,
        MessageBody: body,
        MessageAttributes: historyAttributes(history),
      }),
    );
  }
}
