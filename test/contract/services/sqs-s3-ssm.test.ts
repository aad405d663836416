// SQS, S3 and Systems Manager as Tally relies on them, on every target.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { GetParameterCommand, ParameterNotFound, PutParameterCommand } from '@aws-sdk/client-ssm';
import { startServices } from '../../support/services.ts';

const services = await startServices();
const { sqs, s3 } = services;

const send = (QueueUrl: string, MessageBody: string, more: object = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
const receive = async (QueueUrl: string, more: object = {}) => {
  const input = { QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All' as const], ...more };
  return (await sqs.send(new ReceiveMessageCommand(input))).Messages ?? [];
};
const attributes = async (QueueUrl: string) =>
  (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes ?? {};

test('a received message is hidden, becomes visible again, and is gone once it is deleted', async () => {
  const url = await services.queue();
  await send(url, 'one', { MessageAttributes: { a: { DataType: 'String', StringValue: 'x' } } });
  const [first] = await receive(url, { MessageAttributeNames: ['All'], VisibilityTimeout: 60 });
  assert.deepEqual([first?.Body, first?.MessageAttributes?.['a']?.StringValue], ['one', 'x']);
  assert.equal(first?.Attributes?.ApproximateReceiveCount, '1');
  assert.deepEqual(await receive(url), []);
  const hide = { QueueUrl: url, ReceiptHandle: first?.ReceiptHandle, VisibilityTimeout: 0 };
  await sqs.send(new ChangeMessageVisibilityCommand(hide));
  const [again] = await receive(url);
  assert.deepEqual([again?.MessageId, again?.Attributes?.ApproximateReceiveCount], [first?.MessageId, '2']);
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: again?.ReceiptHandle }));
  const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = await attributes(url);
  assert.deepEqual([ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible], ['0', '0']);
});

test('a batch has ten entries and one MiB', async () => {
  const url = await services.queue();
  const batch = (bodies: readonly string[]) =>
    sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: bodies.map((MessageBody, at) => ({ Id: `${at}`, MessageBody })),
      }),
    );
  const { Successful = [] } = await batch(Array.from({ length: 10 }, (_, at) => `m${at}`));
  assert.equal(Successful.length, 10);
  await assert.rejects(batch(Array.from({ length: 11 }, (_, at) => `m${at}`)));
  await assert.rejects(batch(['x'.repeat(600_000), 'x'.repeat(600_000)]));
});

test(
  'messages received too often are dead letters',
  services.where('messages received too often are dead letters'),
  async () => {
    const dead = await services.queue();
    const { QueueArn } = await attributes(dead);
    const policy = { deadLetterTargetArn: QueueArn, maxReceiveCount: 2 };
    const url = await services.queue({ RedrivePolicy: JSON.stringify(policy) });
    await send(url, 'poison');
    for (const _ of [1, 2]) assert.equal((await receive(url, { VisibilityTimeout: 0 })).length, 1);
    assert.deepEqual(await receive(url, { VisibilityTimeout: 0 }), []);
    assert.deepEqual(
      (await receive(dead)).map(({ Body }) => Body),
      ['poison'],
    );
  },
);

test('a delay is at most 15 minutes', services.where('a delay beyond 15 minutes is refused'), async () => {
  const url = await services.queue();
  await send(url, 'late', { DelaySeconds: 900 });
  assert.deepEqual(await receive(url), []);
  await assert.rejects(send(url, 'too late', { DelaySeconds: 901 }));
});

test(
  'an invalid receipt handle is refused',
  services.where('a foreign receipt handle is refused'),
  async () => {
    const url = await services.queue();
    await assert.rejects(sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: 'nonsense' })));
  },
);

test('objects are put, read whole and in part, listed in order, and put only if absent', async () => {
  const Bucket = await services.bucket();
  const put = (Key: string, Body: string, more: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  const text = async (Key: string, Range?: string) =>
    (await s3.send(new GetObjectCommand({ Bucket, Key, Range }))).Body?.transformToString();
  for (const key of ['a/2', 'a/1', 'b/1', 'a/10']) await put(key, `text of ${key}`);
  await put('a/1', 'another text');
  assert.deepEqual([await text('a/1'), await text('a/1', 'bytes=2-6')], ['another text', 'other']);
  const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a/1' }));
  assert.equal(ContentLength, 12);
  const listed: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: s3, pageSize: 2 },
    { Bucket, Prefix: 'a/' },
  )) {
    listed.push(...Contents.map(({ Key = '' }) => Key));
  }
  assert.deepEqual(listed, ['a/1', 'a/10', 'a/2']);
  await assert.rejects(
    put('a/1', 'never', { IfNoneMatch: '*' }),
    (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode === 412,
  );
  await put('c', 'new', { IfNoneMatch: '*' });
  assert.deepEqual([await text('a/1'), await text('c')], ['another text', 'new']);
});

test('reading a missing object is an error, and deleting it is not', async () => {
  const Bucket = await services.bucket();
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'nothing' }));
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: 'nothing' })), NoSuchKey);
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'nothing' })), NotFound);
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket: `${Bucket}-gone`, Key: 'nothing' })));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'some', Body: 'x' }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'some' }));
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: 'some' })), NoSuchKey);
});

test('versions are listed', services.where('versions of objects are listed'), async () => {
  const Bucket = await services.bucket();
  await s3.send(new PutObjectCommand({ Bucket, Key: 'some', Body: 'x' }));
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'some' }));
  assert.deepEqual(
    Versions.map(({ Key, IsLatest }) => [Key, IsLatest]),
    [['some', true]],
  );
});

test(
  'a parameter is put once, replaced on request, and read',
  services.where('parameters are there'),
  async () => {
    const Name = `/tally-test/${Date.now()}`;
    const read = async () => (await services.ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value;
    await assert.rejects(read(), ParameterNotFound);
    const put = (Value: string, Overwrite?: boolean) =>
      services.ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', Overwrite }));
    await put('one');
    await assert.rejects(put('two'));
    assert.equal(await read(), 'one');
    await put('two', true);
    assert.equal(await read(), 'two');
  },
);
