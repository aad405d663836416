// The ports of the commands on dead letters. What operators look at in the queue is hidden meanwhile, and released.
import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { DeadLetters, DeliveredMessage, ParkedMessages } from '../../lambdas/dead-letter-ports.ts';
import type { OperatorPorts } from '../../lambdas/redriver/operate.ts';

const BATCH_MAX = 10;

export interface DeadLetterPorts extends OperatorPorts {
  readonly waiting: WaitingMessages;
  readonly parked: ParkedMessages;
}

/** The dead-letter queue, for operators. SQS cannot be browsed: messages are hidden while they are read. */
export type WaitingMessages = ReturnType<typeof waitingMessages>;

export function waitingMessages(client: SQSClient, QueueUrl: string, deadLetters: Pick<DeadLetters, 'take'>) {
  return {
    /** Receives some messages, hidden for a minute or until released. Empty when there seem to be none left. */
    take: () => deadLetters.take(BATCH_MAX),
    /** Makes messages visible again; ignores messages that are not held any more. */
    async release(messages: readonly Pick<DeliveredMessage, 'receiptHandle'>[]): Promise<void> {
      for (let at = 0; at < messages.length; at += BATCH_MAX) {
        const Entries = messages.slice(at, at + BATCH_MAX).map(({ receiptHandle }, index) => ({
          Id: String(index),
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: 0,
        }));
        await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
      }
    },
    /** The approximate numbers of messages: visible, and delayed or received by another (the redriver, an operator). */
    async depth(): Promise<{ readonly visible: number; readonly hidden: number }> {
      const { Attributes } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      );
      const counts: Partial<Record<string, string>> = Attributes ?? {};
      const number = (name: string) => Number(counts[`ApproximateNumberOfMessages${name}`] ?? 0);
      return { visible: number(''), hidden: number('NotVisible') + number('Delayed') };
    },
  };
}
