// The archive of raw records on real services: written before a segment can be seen, read by hour, and counted again from it alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { S3ArchiveCleaner } from '../../lambdas/aws/archive-cleaner.ts';
import { LedgerDeletionRegister } from '../../lambdas/aws/deletion-register.ts';
import { EntityCounterTable } from '../../lambdas/aws/entity-counter-table.ts';
import { S3RawArchive } from '../../lambdas/aws/raw-archive.ts';
import { TopTable } from '../../lambdas/aws/top-table.ts';
import { counterKey } from '../../lambdas/counting/counter-item.ts';
import { parseShardKey, segmentId } from '../../lambdas/counting/identifiers.ts';
import { InvalidRawObject, rawObject } from '../../lambdas/counting/raw-segment.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { deleteEntity } from '../../lambdas/deletion/delete-entity.ts';
import { auditsOf } from '../support/audits.ts';
import { startPipeline } from '../support/pipeline.ts';
import { CONFIG, record } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR = Date.UTC(2026, 10, 22, 5);
const RANGE = { fromMs: HOUR, toMs: HOUR + HOUR_MS };
const SEGMENT = segmentId(parseShardKey('1.0'), 1);
const PLAN = { ancestors: [], config: CONFIG };

async function all<T>(things: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const thing of things) list.push(thing);
  return list;
}

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
  return { ...pipeline, ...auditsOf(services, pipeline, RANGE) };
}

test('an object comes back as it was put, again and again the same bytes', async () => {
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

test('what is not there is undefined; what is something else is refused', async () => {
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
    (await all(archive.places(range))).map(({ segment }) => segment).sort();
  assert.deepEqual(await found(), ['1.0.1', '1.0.2', '1.0.3', '1.0.4']);
  assert.deepEqual(await found(RANGE), ['1.0.1', '1.0.2']);
  assert.deepEqual(await found({ fromMs: HOUR + HOUR_MS, toMs: HOUR + 30 * HOUR_MS }), ['1.0.3', '1.0.4']);
});

test('an hour is counted again from the archive alone, and repaired from it, when the stream has nothing any more', async () => {
  const { run, counterTable, ...pipeline } = await countedPipeline();
  const fromStream = await run();
  assert.deepEqual([fromStream.source, fromStream.segments, fromStream.events], ['stream', 2, 60]);
  const empty = { ...pipeline, counterTable, log: { ranges: () => ({ read: async () => [] }) } as never };
  const audits = auditsOf(services, empty, RANGE);
  assert.equal((await audits.run()).segmentsUnaudited[0]?.reason, 'trimmed');
  const recounted = await audits.run(false, 'archive');
  assert.deepEqual(recounted, { ...fromStream, source: 'archive' });
  assert.equal(recounted.rawDifferences, 0);

  const { pk, sk } = counterKey('view', '/3', '2026-11-22T05');
  const Key = { pk: { S: pk }, sk: { S: sk } };
  await services.dynamoDb.send(new DeleteItemCommand({ TableName: counterTable, Key }));
  assert.equal((await audits.run(false, 'archive')).itemsDiffering, 1);
  assert.equal((await audits.run(true, 'archive')).repaired, 1);
  assert.deepEqual(await audits.run(false, 'archive'), recounted);
});

test('an object that is missing, cut or changed is named, and nothing is said of what it held', async () => {
  const { run, bucket } = await countedPipeline();
  const [first = '', second = ''] = await keysIn(bucket);
  const bytes = await bytesOf(bucket, first);
  const lines = gunzipSync(bytes).toString('utf8').trimEnd().split('\n');
  const put = (Body: Uint8Array) =>
    services.s3.send(new PutObjectCommand({ Bucket: bucket, Key: first, Body }));
  const found = async () => {
    const { segmentsUnaudited, rawDifferences, differences, itemsUnaudited } = await run(false, 'archive');
    assert.deepEqual([differences, itemsUnaudited], [[], 5]);
    return [
      rawDifferences,
      ...segmentsUnaudited.map(({ first: from, last, reason }) => `${from}-${last} ${reason}`),
    ];
  };
  // One event more in a record; a record less; a broken object; none at all.
  const changed = lines.map((line, at) => {
    if (at !== 3) return line;
    const fields = JSON.parse(line);
    const event = JSON.parse(Buffer.from(fields.data, 'base64').toString());
    return JSON.stringify({
      ...fields,
      data: Buffer.from(JSON.stringify({ ...event, n: 1000 })).toString('base64'),
    });
  });
  const head = JSON.parse(lines[0] ?? '');
  const short = [JSON.stringify({ ...head, records: head.records - 1 }), ...lines.slice(1, -1)];
  for (const body of [
    gzipSync(`${changed.join('\n')}\n`),
    gzipSync(`${short.join('\n')}\n`),
    Buffer.from('broken'),
  ]) {
    await put(body);
    assert.deepEqual(await found(), [1, '1.0.1-1.0.1 raw-differs']);
  }
  await services.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: first }));
  assert.deepEqual(await found(), [1, '1.0.1-1.0.1 raw-missing']);
  await services.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: second }));
  assert.deepEqual(await found(), [2, '1.0.1-1.0.2 raw-missing']);
  await put(bytes);
  assert.deepEqual(await found(), [1, '1.0.2-1.0.2 raw-missing']);
});

test('after an entity was deleted its events are gone from raw records, and the audit knows why it can not count them', async () => {
  const { run, counterTable, ledgerTable, ledger, bucket } = await countedPipeline();
  const ports = {
    counters: new EntityCounterTable(services.dynamoDb, counterTable),
    register: new LedgerDeletionRegister(services.dynamoDb, ledgerTable),
    archive: new S3ArchiveCleaner(services.s3, bucket),
    tops: new TopTable(services.dynamoDb, ledgerTable),
    ledger,
    clock: { nowMs: () => Date.now() },
  };
  const before = await keysIn(bucket);
  await deleteEntity('/3', ports, { dryRun: false, archive: true });
  assert.deepEqual(await keysIn(bucket), before);
  for (const key of before) {
    const lines = gunzipSync(await bytesOf(bucket, key))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .slice(1);
    const records = lines.map((line) => Buffer.from(JSON.parse(line).data, 'base64').toString());
    assert.ok(records.includes(''));
    assert.ok(records.every((text) => !text.includes('/3')));
  }
  const { segmentsUnaudited, rawDifferences, differences } = await run(false, 'archive');
  assert.deepEqual(
    [differences, rawDifferences, segmentsUnaudited.map(({ reason, segments }) => [reason, segments])],
    [[], 0, [['raw-deleted', 2]]],
  );
});

test('segments from before the archive was switched on are no difference', async () => {
  const { run } = await countedPipeline(false);
  const { rawDifferences, segmentsUnaudited } = await run(false, 'archive');
  assert.deepEqual([rawDifferences, segmentsUnaudited.map(({ reason }) => reason)], [0, ['not-archived']]);
});

test('whether raw records are archived changes nothing of a segment but what its entry says of them', async () => {
  const [archived, not] = [await countedPipeline(), await countedPipeline(false)];
  const entries = async ({ ledger }: typeof archived) =>
    (await all(ledger.entriesUp(parseShardKey('1.0'), 0, 2))).map(({ digest, raw, accounts }) => ({
      isArchived: raw !== undefined,
      accounts,
      digest: digest.length,
    }));
  const [one, other] = [await entries(archived), await entries(not)];
  assert.deepEqual(
    one.map((entry) => ({ ...entry, isArchived: false })),
    other,
  );
  assert.ok(one.every(({ isArchived }) => isArchived));
  assert.equal((await keysIn(archived.bucket)).length, 2);
  assert.deepEqual(await keysIn(not.bucket), []);
});

test('while the archive does not take the records, nothing is counted', async () => {
  const pipeline = await startPipeline(services, 1, { archived: true });
  await pipeline.put({ id: 'kept', at: HOUR });
  const failing = { keepRaw: () => Promise.reject(new Error('no archive')) };
  await assert.rejects(pipeline.aggregateNew('1', failing), /no archive/);
  assert.equal(await pipeline.writeAll(), 0);
  await pipeline.aggregateNew();
  assert.equal(await pipeline.writeAll(), 1);
  assert.equal((await keysIn(pipeline.bucket)).length, 1);
});
