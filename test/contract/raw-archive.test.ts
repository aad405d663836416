// The archive of raw records on real services: written before a segment becomes visible, and read by hour.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { S3RawArchive } from '../../lambdas/aws/raw-archive.ts';
import { parseShardKey, segmentId } from '../../lambdas/core/identifiers.ts';
import { InvalidRawObject, rawObject } from '../../lambdas/core/raw-segment.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { startPipeline } from '../support/pipeline.ts';
import { CONFIG, record } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR = Date.UTC(2026, 10, 22, 5);
const RANGE = { fromMs: HOUR, toMs: HOUR + HOUR_MS };
const SEGMENT = segmentId(parseShardKey('1.0'), 1);
const PLAN = { ancestors: [], config: CONFIG };

async function keysIn(Bucket: string): Promise<string[]> {
  const { Contents = [] } = await services.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'raw/' }));
  return Contents.map(({ Key = '' }) => Key);
}

async function bytesOf(Bucket: string, Key: string): Promise<Uint8Array> {
  const { Body } = await services.s3.send(new GetObjectCommand({ Bucket, Key }));
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}

/** Sixty events in two segments, archived and counted; the stream behind `pipeline.log` still has them. */
async function countedPipeline(archived = true) {
  const pipeline = await startPipeline(services, 1, { archived });
  const event = (index: number) => ({
    id: `id-${index}`,
    entity: `/${index % 5}`,
    at: HOUR + index * 60_000,
    n: 1 + (index % 3),
  });
  await pipeline.put(...Array.from({ length: 40 }, (_, index) => event(index)));
  await pipeline.aggregateNew();
  await pipeline.put(...Array.from({ length: 30 }, (_, index) => event(30 + index)), {
    id: 'bad',
    entity: '/bad',
    at: HOUR,
    n: 0.5,
  });
  await pipeline.aggregateNew();
  await pipeline.writeAll();
  return pipeline;
}

test('an object reads back as it was put, always with the same bytes', async () => {
  const bucket = await services.bucket();
  const archive = new S3RawArchive(services.s3, bucket);
  const raw = rawObject(SEGMENT, PLAN, [record(1, {}, HOUR), record(2, {}, HOUR + HOUR_MS)]);
  await archive.keepRaw(raw);
  const bytes = await bytesOf(bucket, raw.key);
  await archive.keepRaw(raw);
  assert.deepEqual(await bytesOf(bucket, raw.key), bytes);
  assert.deepEqual(await keysIn(bucket), [raw.key, ...raw.markers].sort());
  const read = await archive.readRaw({ segment: SEGMENT, hourMs: HOUR + 5 });
  assert.equal(read?.digest, raw.digest);
});

test('a missing object is undefined; any other object is refused', async () => {
  const bucket = await services.bucket();
  const archive = new S3RawArchive(services.s3, bucket);
  const raw = rawObject(SEGMENT, PLAN, [record(1, {}, HOUR)]);
  const place = { segment: SEGMENT, hourMs: HOUR };
  assert.equal(await archive.readRaw(place), undefined);
  const other = rawObject(segmentId(parseShardKey('1.0'), 2), PLAN, [record(1, {}, HOUR)]);
  for (const Body of [
    Buffer.from('hello'),
    gzipSync('hello'),
    gzipSync(other.text),
    gzipSync(raw.text).subarray(0, -9),
  ]) {
    await services.s3.send(new PutObjectCommand({ Bucket: bucket, Key: raw.key, Body }));
    await assert.rejects(archive.readRaw(place), InvalidRawObject);
  }
});

test('all places are listed, or those of some hours', async () => {
  const archive = new S3RawArchive(services.s3, await services.bucket());
  for (const [segment, hours] of [
    [1, 0],
    [2, 0],
    [3, 1],
    [4, 26],
  ] as const) {
    const arrivalMs = HOUR + hours * HOUR_MS;
    const records = [record(segment, {}, arrivalMs), record(segment + 100, {}, arrivalMs + HOUR_MS)];
    await archive.keepRaw(rawObject(segmentId(parseShardKey('1.0'), segment), PLAN, records));
  }
  const found = async (range?: typeof RANGE) =>
    (await Array.fromAsync(archive.places(range))).map(({ segment }) => segment).sort();
  assert.deepEqual(await found(), ['1.0.1', '1.0.2', '1.0.3', '1.0.4']);
  assert.deepEqual(await found(RANGE), ['1.0.1', '1.0.2']);
  assert.deepEqual(await found({ fromMs: HOUR + HOUR_MS, toMs: HOUR + 30 * HOUR_MS }), ['1.0.3', '1.0.4']);
});

test('whether raw records are archived changes nothing of a segment but what its entry says of them', async () => {
  const [archived, not] = [await countedPipeline(), await countedPipeline(false)];
  const entries = async ({ ledger }: typeof archived) =>
    (await Array.fromAsync(ledger.entriesUp(parseShardKey('1.0'), 0, 2))).map(
      ({ digest, raw, accounts }) => ({
        isArchived: raw !== undefined,
        accounts,
        digest: digest.length,
      }),
    );
  const [one, other] = [await entries(archived), await entries(not)];
  assert.deepEqual(
    one.map((entry) => ({ ...entry, isArchived: false })),
    other,
  );
  assert.ok(one.every(({ isArchived }) => isArchived));
  assert.equal((await keysIn(archived.bucket)).length, 2);
  assert.deepEqual(await keysIn(not.bucket), []);
});

test('while the archive does not accept the records, nothing is counted', async () => {
  const pipeline = await startPipeline(services, 1, { archived: true });
  await pipeline.put({ id: 'kept', at: HOUR });
  const failing = { keepRaw: () => Promise.reject(new Error('no archive')) };
  await assert.rejects(pipeline.aggregateNew('1', { raw: failing }), /no archive/);
  assert.equal(await pipeline.writeAll(), 0);
  await pipeline.aggregateNew();
  assert.equal(await pipeline.writeAll(), 1);
  assert.equal((await keysIn(pipeline.bucket)).length, 1);
});
