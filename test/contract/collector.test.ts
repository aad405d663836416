// The collector's adapters on real services: an object's progress, bytes, and batches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { kinesisBatches } from '../../lambdas/collector/batch-stream.aws.ts';
import { s3LogObjects } from '../../lambdas/collector/objects.aws.ts';
import { type LogObject, ObjectGone, type Progress } from '../../lambdas/collector/ports.ts';
import { ledgerProgress } from '../../lambdas/collector/progress.aws.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const { dynamoDb, kinesis, s3 } = services;

const object: LogObject = { bucket: 'logs', key: 'web/a b.log', etag: 'abc', bytes: 7 };
const noted = (offset: number, run: string, more: Partial<Progress> = {}): Progress => ({
  status: 'reading',
  cursor: { offset, crc: 7, lines: 3, header: ['date', 'time'] },
  plan: '{}',
  sinceMs: 1_793_707_200_000,
  doubtful: undefined,
  run,
  events: 5,
  malformed: 1,
  ...more,
});

test('progress: it reads back as saved, and only a run that has read it may save it again', async () => {
  const progress = ledgerProgress(dynamoDb, await services.table());
  assert.equal(await progress.read(object), undefined);
  const nothing = { ...noted(0, ''), run: undefined };
  const [one, two] = [noted(0, 'one'), noted(0, 'two', { doubtful: 30 })];
  assert.equal(await progress.save(object, one, nothing), true);
  assert.deepEqual(await progress.read(object), one);
  // A request that the SDK repeats, since its answer was lost.
  assert.equal(await progress.save(object, one, nothing), true);
  assert.equal(await progress.save(object, two, nothing), false);
  assert.equal(await progress.save(object, two, one), true);
  assert.deepEqual(await progress.read(object), two);
  assert.equal(await progress.save(object, noted(9, 'one'), one), false);
  assert.equal(await progress.save(object, noted(40, 'two'), two), true);
  // A run's knowledge is stale once the offset or status has changed.
  assert.equal(await progress.save(object, noted(0, 'three'), two), false);
  const done = noted(40, 'two', { status: 'done', sinceMs: undefined });
  assert.equal(await progress.save(object, done, noted(40, 'two')), true);
  assert.equal(await progress.save(object, noted(40, 'three'), noted(40, 'two')), false);
  assert.deepEqual(await progress.read(object), done);
  const others = [{ key: 'web/b.log' }, { etag: 'abd' }, { bucket: 'other' }];
  for (const other of others) assert.equal(await progress.read({ ...object, ...other }), undefined);
});

test('objects: bytes from an offset on, nothing after the end, and gone if the content has changed', async () => {
  const bucket = await services.bucket();
  const put = async (text: string) => {
    const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'a b', Body: text }));
    return { bucket, key: 'a b', etag: ETag.replaceAll('"', ''), bytes: text.length };
  };
  const first = await put('0123456789');
  const objects = s3LogObjects(s3);
  const text = async (...args: Parameters<typeof objects.open>) =>
    Buffer.concat(await Array.fromAsync(await objects.open(...args))).toString();
  assert.equal(await text(first, 0), '0123456789');
  assert.equal(await text(first, 7), '789');
  assert.equal(await text(first, 2, 3), '234');
  assert.equal(await text(first, 0, 512), '0123456789');
  assert.equal(await text(first, 10), '');
  const second = await put('other');
  await assert.rejects(objects.open(first, 0), ObjectGone);
  assert.equal(await text(second, 0), 'other');
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'a b' }));
  await assert.rejects(objects.open(second, 0), ObjectGone);
});

test('batches: more records than fit into one request are put in order, and the rest is returned', async () => {
  const stream = await services.stream(1);
  const batches = kinesisBatches(kinesis, stream);
  let left: Awaited<ReturnType<typeof batches.put>> = Array.from({ length: 501 }, (_, i) => ({
    key: `key-${i}`,
    data: `[${i},"é"]`,
  }));
  const records = left;
  left = await batches.put(left);
  assert.deepEqual(left, records.slice(500));
  assert.deepEqual(await batches.put(left), []);
  const shard = {
    StreamName: stream,
    ShardId: 'shardId-000000000000',
    ShardIteratorType: 'TRIM_HORIZON',
  } as const;
  let { ShardIterator } = await kinesis.send(new GetShardIteratorCommand(shard));
  const found: { key: string | undefined; data: string }[] = [];
  while (found.length < records.length) {
    const { Records = [], NextShardIterator } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
    ShardIterator = NextShardIterator;
    for (const { PartitionKey, Data = new Uint8Array() } of Records)
      found.push({ key: PartitionKey, data: Buffer.from(Data).toString() });
  }
  assert.deepEqual(found, records);
});
