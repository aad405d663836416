// The collector's own queue: an object that takes more than one run is announced again.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** Sends a message of the queue once more, as one that was never received. */
export function announceAgain(client: SQSClient, queueUrl: string): (body: string) => Promise<void> {
  return async (body) => {
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
  };
}
