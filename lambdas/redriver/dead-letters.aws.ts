// Dead letters on SQS: takes them, returns them to the rollup queue, or parks them in the archive.
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Archive } from '../aws/archive.ts';
import { HISTORY_ATTRIBUTE, historyAttributes } from '../aws/rollup-queue.ts';
import { type MessageHistory, parseHistory } from '../core/message-history.ts';
import type { DeadLetters, DeliveredMessage, MessageContent } from '../dead-letter-ports.ts';

/** How long a received dead letter stays hidden if the redriver, or an operator's command, dies. */
const HIDDEN_SECONDS = 60;
/** SQS's limit for one batch. */
const BATCH_MAX = 10;

interface Queues {
  readonly deadLetterUrl: string;
  readonly queueUrl: string;
}

/** Dead letters on SQS, parked ones in the archive. */
export class SqsDeadLetters implements DeadLetters {
  readonly #client: SQSClient;
  readonly #queues: Queues;
  readonly #archive: Pick<Archive, 'keepParked'>;

  constructor(client: SQSClient, queues: Queues, archive: Pick<Archive, 'keepParked'>) {
    this.#client = client;
    this.#queues = queues;
    this.#archive = archive;
  }

  async take(most: number): Promise<readonly DeliveredMessage[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#queues.deadLetterUrl,
        MaxNumberOfMessages: most,
        VisibilityTimeout: HIDDEN_SECONDS,
        // Without a wait, SQS queries only some of its servers, and an empty response means little.
        WaitTimeSeconds: 1,
        MessageAttributeNames: [HISTORY_ATTRIBUTE],
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      }),
    );
    return Messages.map(({ MessageId, ReceiptHandle, Body, Attributes, MessageAttributes }) => ({
      messageId: MessageId ?? '',
      receiptHandle: ReceiptHandle ?? '',
      body: Body ?? '',
      receiveCount: Number(Attributes?.ApproximateReceiveCount ?? 1),
      history: parseHistory(MessageAttributes?.[HISTORY_ATTRIBUTE]?.StringValue),
    }));
  }

  async giveBack({ body }: MessageContent, history: MessageHistory, delayMs: number): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#queues.queueUrl,
        MessageBody: body,
        MessageAttributes: historyAttributes(history),
        DelaySeconds: Math.ceil(delayMs / 1000),
      }),
    );
  }

  async park(message: DeliveredMessage, history: MessageHistory): Promise<void> {
    await this.#archive.keepParked(message, history);
  }

  async remove({ receiptHandle }: DeliveredMessage): Promise<void> {
    const request = { QueueUrl: this.#queues.deadLetterUrl, ReceiptHandle: receiptHandle };
    await this.#client.send(new DeleteMessageCommand(request));
  }

  async release(messages: readonly Pick<DeliveredMessage, 'receiptHandle'>[]): Promise<void> {
    const QueueUrl = this.#queues.deadLetterUrl;
    for (let at = 0; at < messages.length; at += BATCH_MAX) {
      const Entries = messages.slice(at, at + BATCH_MAX).map(({ receiptHandle }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 0,
      }));
      await this.#client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    }
  }
}
