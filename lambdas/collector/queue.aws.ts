// The collector's own queue, and the dead-letter queue, from which the redriver parks messages in the archive.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { historyAttributes } from '../aws/rollup-queue.ts';
import { afterFailure } from '../core/message-history.ts';

/** Sends a fresh copy of a message, with a receive count of zero: for an object that takes more than one run. */
export function sendMessage(client: SQSClient, queueUrl: string): (body: string) => Promise<void> {
  return async (body) => {
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
  };
}

/** Sends a dead letter that must fail at every attempt, with its reason. */
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
