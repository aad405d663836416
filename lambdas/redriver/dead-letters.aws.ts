// Dead letters on SQS: takes them, returns them to the rollup queue, or parks them in the archive.
import {
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

export interface DeadLetterQueues {
  readonly deadLetterUrl: string;
  readonly queueUrl: string;
}

export type ParkingLot = Pick<Archive, 'keepParked'>;

/** Dead letters on SQS, parked ones in the archive. */
export class SqsDeadLetters implements DeadLetters {
  readonly #client: SQSClient;
  readonly #queues: DeadLetterQueues;
  readonly #archive: ParkingLot;

  constructor(client: SQSClient, queues: DeadLetterQueues, archive: ParkingLot) {
    this.#client = client;
    this.#queues = queues;
    this.#archive = archive;
  }

  take(most: number): Promise<readonly DeliveredMessage[]> {
    return receiveDeadLetters(this.#client, this.#queues.deadLetterUrl, most);
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
}

/** Receives up to ten dead letters, which are then hidden. Empty when there seem to be none. */
export async function receiveDeadLetters(
  client: SQSClient,
  deadLetterUrl: string,
  most: number,
): Promise<readonly DeliveredMessage[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: deadLetterUrl,
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
