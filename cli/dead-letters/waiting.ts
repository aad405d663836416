// The dead-letter queue on SQS, for operators: messages are received for a minute, and released.
import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { HISTORY_ATTRIBUTE } from '../../lambdas/aws/rollup-queue.ts';
import { parseHistory } from '../../lambdas/core/message-history.ts';
import type { QueueDepth, WaitingMessage, WaitingMessages } from './ports.ts';

/** As long as redrive hides messages: if the command is killed, the second next run of redrive receives them again. */
const HELD_SECONDS = 60;
const BATCH_MAX = 10;

export class SqsWaitingMessages implements WaitingMessages {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(client: SQSClient, deadLetterQueueUrl: string) {
    this.#client = client;
    this.#url = deadLetterQueueUrl;
  }

  async take(): Promise<readonly WaitingMessage[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: BATCH_MAX,
        VisibilityTimeout: HELD_SECONDS,
        // Without a wait, SQS queries only some of its servers.
        WaitTimeSeconds: 1,
        MessageAttributeNames: [HISTORY_ATTRIBUTE],
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
      }),
    );
    return Messages.map(({ MessageId, ReceiptHandle, Body, Attributes, MessageAttributes }) => ({
      messageId: MessageId ?? '',
      receiptHandle: ReceiptHandle ?? '',
      body: Body ?? '',
      receiveCount: Number(Attributes?.ApproximateReceiveCount ?? 1),
      sentAtMs: Number(Attributes?.SentTimestamp ?? 0),
      history: parseHistory(MessageAttributes?.[HISTORY_ATTRIBUTE]?.StringValue),
    }));
  }

  async release(messages: readonly WaitingMessage[]): Promise<void> {
    for (let at = 0; at < messages.length; at += BATCH_MAX) {
      const Entries = messages.slice(at, at + BATCH_MAX).map(({ receiptHandle }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 0,
      }));
      await this.#client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#url, Entries }));
    }
  }

  async depth(): Promise<QueueDepth> {
    const { Attributes } = await this.#client.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#url,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    const number = (text: string | undefined) => Number(text ?? 0);
    return {
      visible: number(Attributes?.ApproximateNumberOfMessages),
      hidden:
        number(Attributes?.ApproximateNumberOfMessagesNotVisible) +
        number(Attributes?.ApproximateNumberOfMessagesDelayed),
    };
  }
}
