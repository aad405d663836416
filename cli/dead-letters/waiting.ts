// The dead-letter queue on SQS, for operators: what they look at is hidden meanwhile, and released.
import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { DeadLetters } from '../../lambdas/dead-letter-ports.ts';
import type { WaitingMessages } from './ports.ts';

const BATCH_MAX = 10;

export function waitingMessages(
  client: SQSClient,
  QueueUrl: string,
  deadLetters: Pick<DeadLetters, 'take'>,
): WaitingMessages {
  return {
    take: () => deadLetters.take(BATCH_MAX),
    async release(messages) {
      for (let at = 0; at < messages.length; at += BATCH_MAX) {
        const Entries = messages.slice(at, at + BATCH_MAX).map(({ receiptHandle }, index) => ({
          Id: String(index),
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: 0,
        }));
        await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
      }
    },
    async depth() {
      const { Attributes } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      );
      const counts: Partial<Record<string, string>> = Attributes ?? {};
      const number = (name: string) => Number(counts[`ApproximateNumberOfMessages${name}`] ?? 0);
      return { visible: number(''), hidden: number('NotVisible') + number('Delayed') };
    },
  };
}
