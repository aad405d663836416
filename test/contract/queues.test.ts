// The queues: every message sent, failures delayed or buried with their history, dead letters given back or parked.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { Archive } from '../../lambdas/aws/archive.ts';
import { deliveredMessage, SqsFailedMessages, SqsRollupQueue } from '../../lambdas/aws/rollup-queue.ts';
import { segmentId } from '../../lambdas/core/identifiers.ts';
import type { MessageHistory } from '../../lambdas/core/message-history.ts';
import { decodeRollupMessage } from '../../lambdas/core/rollup-message.ts';
import { SqsDeadLetters } from '../../lambdas/redriver/dead-letters.aws.ts';
import { messageOf, messagesOf, rowOf } from '../support/messages.ts';
import { record, SHARD_KEY } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const ID = segmentId(SHARD_KEY, 7);
const row = rowOf('é😀\u2028"\\\ufffe');
const { body } = messageOf(7, [row]);
const history: MessageHistory = {
  rounds: 1,
  attempts: 3,
  reason: 'ProvisionedThroughputExceededException: slow "down" é',
  poison: false,
  firstFailureAt: '2026-11-22T05:00:00.000Z',
  lastFailureAt: '2026-11-22T05:01:00.000Z',
};

async function receive(QueueUrl: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const { Messages = [] } = await services.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return all;
    all.push(...Messages);
    for (const { ReceiptHandle } of Messages) {
      await services.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}
const asDelivered = (message: Message, receiveCount = 1) => ({
  messageId: message.MessageId ?? '',
  receiptHandle: message.ReceiptHandle ?? '',
  body: message.Body ?? '',
  receiveCount,
  history: undefined,
});
async function messagesIn(QueueUrl: string): Promise<number> {
  const { Attributes = {} } = await services.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: hidden } = Attributes;
  return Number(visible) + Number(hidden);
}
async function takeOne(QueueUrl: string): Promise<Message> {
  const { Messages = [] } = await services.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  const [message] = Messages;
  assert.ok(message);
  return message;
}

test('every message of a large segment is sent, within the limits of a batch', async () => {
  const url = await services.queue();
  // Names of all printable characters hardly compress: ten messages are more than the mebibyte that a batch may have.
  const printable = (bytes: Buffer) => String.fromCharCode(...bytes.map((byte) => 33 + (byte % 94)));
  const name = (row: number) =>
    [1, 2, 3, 4, 5, 6, 7].map((part) => printable(hash('sha512', `${row} ${part}`, 'buffer'))).join('');
  const rows = Array.from({ length: 6_000 }, (_, row) => rowOf(name(row)));
  const messages = messagesOf(ID, rows);
  assert.ok(messages.length > 10, 'more than one batch takes');
  const bytes = messages.slice(0, 10).reduce((sum, message) => sum + message.body.length, 0);
  assert.ok(bytes > 1_048_576, `${bytes} bytes`);
  await new SqsRollupQueue(services.sqs, url).send(messages);
  const bodies = (await receive(url)).map(({ Body }) => Body);
  assert.deepEqual(new Set(bodies), new Set(messages.map((message) => message.body)));
});

test('nothing to send makes no request', async () => {
  await new SqsRollupQueue(services.sqs, 'http://127.0.0.1:1/000000000000/no-such-queue').send([]);
});

test('a missing queue is an error', async () => {
  const gone = new SqsRollupQueue(services.sqs, `${await services.queue()}-gone`);
  await assert.rejects(gone.send([{ body }]));
});

test('a failed message is hidden, or buried with its history', async () => {
  const [queueUrl, deadLetterUrl] = [await services.queue(), await services.queue()];
  const failed = new SqsFailedMessages(services.sqs, queueUrl, deadLetterUrl);
  await services.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
  const message = await takeOne(queueUrl);
  await failed.delay(asDelivered(message), 0);
  assert.equal((await takeOne(queueUrl)).MessageId, message.MessageId, 'hidden for no time at all');
  await failed.bury(asDelivered(message), history);
  const [dead] = await receive(deadLetterUrl);
  assert.equal(dead?.Body, body);
  const delivered = deliveredMessage({
    messageId: dead?.MessageId ?? '',
    receiptHandle: dead?.ReceiptHandle ?? '',
    body: dead?.Body ?? '',
    attributes: { ApproximateReceiveCount: '4' } as never,
    messageAttributes: {
      history: { stringValue: dead?.MessageAttributes?.['history']?.StringValue ?? '', dataType: 'String' },
    },
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: '',
    awsRegion: '',
  });
  assert.deepEqual([delivered.history, delivered.receiveCount, delivered.body], [history, 4, body]);
});

test('a message that cannot be buried stays where it is', async () => {
  const queueUrl = await services.queue();
  const failed = new SqsFailedMessages(services.sqs, queueUrl, `${queueUrl}-gone`);
  await services.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
  const message = asDelivered(await takeOne(queueUrl));
  await assert.rejects(failed.bury(message, history));
  assert.equal(await messagesIn(queueUrl), 1);
});

test('dead letters are taken with their history, given back, or parked under their names', async () => {
  const [queueUrl, deadLetterUrl, bucket] = [
    await services.queue(),
    await services.queue(),
    await services.bucket(),
  ];
  const archive = new Archive(services.s3, bucket);
  const deadLetters = new SqsDeadLetters(services.sqs, { queueUrl, deadLetterUrl }, archive);
  assert.deepEqual(await deadLetters.take(10), []);
  await deadLetters.release([]);
  const failed = new SqsFailedMessages(services.sqs, queueUrl, deadLetterUrl);
  const origin = { messageId: 'm', receiptHandle: 'r', receiveCount: 1, history: undefined };
  await failed.bury({ ...origin, body }, history);
  await failed.bury({ ...origin, body: 'not a rollup message' }, { ...history, poison: true });
  const first = await deadLetters.take(10);
  assert.deepEqual(await deadLetters.take(10), [], 'hidden from others');
  await deadLetters.release(first);
  const taken = await deadLetters.take(10);
  assert.equal(taken.length, 2);
  for (const message of taken) {
    if (message.history?.poison === true) await deadLetters.park(message, message.history);
    else {
      await deadLetters.giveBack(message, { ...history, rounds: 2 }, 0);
      await deadLetters.park(message, history);
      await deadLetters.park(message, history);
    }
    await deadLetters.remove(message);
  }
  const [back] = await receive(queueUrl);
  assert.equal(back?.Body, body);
  assert.equal(JSON.parse(back?.MessageAttributes?.['history']?.StringValue ?? '').rounds, 2);
  assert.equal(await messagesIn(deadLetterUrl), 0, 'hidden ones included');
  await deadLetters.release(taken);
  const { Contents = [] } = await services.s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  const poison = taken.find(({ history }) => history?.poison);
  const names = Contents.map(({ Key }) => Key).sort();
  assert.deepEqual(names, [`parked/${ID}/0.json`, `parked/poison/${poison?.messageId}.json`].sort());
  const parked = await services.s3.send(new GetObjectCommand({ Bucket: bucket, Key: `parked/${ID}/0.json` }));
  assert.deepEqual(JSON.parse((await parked.Body?.transformToString()) ?? ''), { history, body });
});

test('rejected events are kept whole, a line for each record, and expired rows by part', async () => {
  const bucket = await services.bucket();
  const archive = new Archive(services.s3, bucket);
  const { data, sequenceNumber, arrivalMs } = record(3, '[{"metric":"?"},{"entity":1}]');
  const place = { data, sequenceNumber, arrivalMs };
  const rejected = [
    { ...place, index: 0, reason: 'invalid-metric' as const },
    { ...place, index: 1, reason: 'invalid-metric' as const },
  ];
  await archive.keepRejected(ID, rejected);
  await archive.keepRejected(ID, rejected);
  const [delta = assert.fail()] = decodeRollupMessage(messageOf(1, [row]).body).deltas;
  await archive.keepExpired({ ...delta, segment: ID, part: 2 });
  const read = async (Key: string) => {
    const { Body } = await services.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return JSON.parse((await Body?.transformToString()) ?? '');
  };
  assert.deepEqual(await read(`rejected/${ID}.ndjson`), {
    sequenceNumber,
    arrival: new Date(arrivalMs).toISOString(),
    rejected: [
      { index: 0, reason: 'invalid-metric' },
      { index: 1, reason: 'invalid-metric' },
    ],
    data: Buffer.from(data).toString('base64'),
  });
  const expired = {
    hour: '2026-11-22T05:00:00Z',
    metric: 'view',
    entity: row.entity,
    events: 1,
    minutes: { 7: 1 },
  };
  assert.deepEqual(await read(`expired/${ID}/2.ndjson`), expired);
});
