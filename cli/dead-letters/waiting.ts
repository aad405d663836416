// The dead-letter queue on SQS, for operators: messages are received for a minute, and released.
import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import { receiveDeadLetters } from '../../lambdas/redriver/dead-letters.aws.ts';
import type { QueueDepth, WaitingMessages } from './ports.ts';

const BATCH_MAX = 10;

export class SqsWaitingMessages implements WaitingMessages {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(client: SQSClient, deadLetterQueueUrl: string) {
    this.#client = client;
    this.#url = deadLetterQueueUrl;
  }

  take(): Promise<readonly DeliveredMessage[]> {
    return receiveDeadLetters(this.#client, this.#url, BATCH_MAX);
  }

  async release(messages: readonly DeliveredMessage[]): Promise<void> {
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
