// SQS hides a message for twelve hours from its receipt: a longer back-off must be cut, or it would be none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ChangeMessageVisibilityCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { FakeAws } from '../../fake-aws/aws.ts';
import { SqsFailedMessages } from '../../lambdas/aws/rollup-queue.ts';

test('a back-off of twelve hours, half a minute after the receipt, hides the message for nearly as long', async () => {
  const clock = { ms: Date.UTC(2026, 10, 22), nowMs: () => clock.ms };
  const aws = new FakeAws({ clock });
  const queue = aws.sqs.addQueue('rollups');
  const { sqs } = aws.clients();
  const QueueUrl = 'https://sqs.eu-central-1.amazonaws.com/000000000000/rollups';
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
  const { Messages: [message] = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  const receiptHandle = message?.ReceiptHandle ?? '';
  clock.ms += 29_000;
  const VisibilityTimeout = 43_200;
  await assert.rejects(
    sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout }),
    ),
    { name: 'InvalidParameterValue' },
  );
  const delivered = { messageId: '', receiptHandle, body: 'x', receiveCount: 1, history: undefined };
  await new SqsFailedMessages(sqs, QueueUrl, QueueUrl).delay(delivered, VisibilityTimeout * 1000);
  clock.ms += 42_899_000;
  assert.equal(queue.counts().visible, 0);
  clock.ms += 1_000;
  assert.equal(queue.counts().visible, 1);
});
