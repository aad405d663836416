// The collector's own queue, and the queue of dead letters, which the redriver parks in the archive.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { historyAttributes } from '../aws/rollup-queue.ts';
import { afterFailure } from '../core/message-history.ts';

/** Sends a message of the queue once more, as one that was never received: an object that takes more than one run. */
export function sendMessage(client: SQSClient, queueUrl: string): (body: string) => Promise<void> {
  return async (body) => {
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
  };
}

/** Sends a dead letter that no number of attempts can help, with its reason. */
export function sendDeadLetter(
  client: SQSClient,
  queueUrl: string,
): (body: string, reason: string, nowMs: number) => Promise<void> {
  return async (body, reason, nowMs) => {
    const history = afterFailure(undefined, { attempts: 1, reason, poison: true, nowMs });
    const message = { QueueUrl: queueUrl, MessageBody: body, MessageAttributes: historyAttributes(history) };
    await client.send(new SendMessageCommand(message));
  };
}
