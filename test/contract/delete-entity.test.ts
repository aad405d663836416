// Deleting an entity on real services: everything of it is gone, nothing of others, and the audit and the books stay at peace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { keepBooks } from '../../lambdas/accountant/keep-books.ts';
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { S3ArchiveCleaner } from '../../lambdas/aws/archive-cleaner.ts';
import { LedgerDeletionRegister } from '../../lambdas/aws/deletion-register.ts';
import { EntityCounterTable } from '../../lambdas/aws/entity-counter-table.ts';
import { TopTable } from '../../lambdas/aws/top-table.ts';
import { entityHash } from '../../lambdas/counting/deleted-entities.ts';
import { partIn } from '../../lambdas/counting/letter-name.ts';
import { unknownHistory } from '../../lambdas/counting/message-history.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import type { Ranked, TopList } from '../../lambdas/counting/top-list.ts';
import type { TopName } from '../../lambdas/counting/top-name.ts';
import { deleteEntity } from '../../lambdas/deletion/delete-entity.ts';
import { auditsOf } from '../support/audits.ts';
import { startPipeline } from '../support/pipeline.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR = Date.UTC(2026, 10, 22, 5);
const PERSON = 'person@example.com';
const always = () => true;
const REAL = { dryRun: false, archive: true };

/** A pipeline that has counted events of a person and of others, and kept rejected ones of both. */
async function countedPipeline() {
  const pipeline = await startPipeline(services, 2);
  const event = (entity: string, index: number) => ({
    id: `${entity}-${index}`,
    entity,
    at: HOUR + index * 60_000,
  });
  const numbers = Array.from({ length: 12 }, (_, index) => index);
  await pipeline.put(...numbers.flatMap((index) => [event(PERSON, index), event('/other', index)]));
  await pipeline.put(
    { id: 'bad-1', entity: PERSON, at: HOUR, n: 0.5 },
    { id: 'bad-2', entity: '/other', at: HOUR, n: 0.5 },
  );
  await pipeline.aggregateAll();
  const messages = await bodiesIn(pipeline.queueUrl);
  await pipeline.writeAll();
  const ports = portsOf(pipeline);
  const { register } = ports;
  return {
    ...pipeline,
    register,
    messages,
    delete: (options = REAL) => deleteEntity(PERSON, ports, options),
    audit: () => auditsOf(services, pipeline, { fromMs: HOUR, toMs: HOUR + HOUR_MS }).run(),
    async total(entity: string): Promise<bigint> {
      let total = 0n;
      for await (const { minutes } of pipeline.counters.items('view', entity, HOUR, HOUR + HOUR_MS)) {
        for (const n of minutes.values()) total += n;
      }
      return total;
    },
    async archived(): Promise<Map<string, string>> {
      const { Contents = [] } = await services.s3.send(new ListObjectsV2Command({ Bucket: pipeline.bucket }));
      const texts = new Map<string, string>();
      for (const { Key = '' } of Contents) {
        const { Body } = await services.s3.send(new GetObjectCommand({ Bucket: pipeline.bucket, Key }));
        texts.set(Key, (await Body?.transformToString()) ?? '');
      }
      return texts;
    },
  };
}

function portsOf(pipeline: Awaited<ReturnType<typeof startPipeline>>) {
  return {
    counters: new EntityCounterTable(services.dynamoDb, pipeline.counterTable),
    tops: new TopTable(services.dynamoDb, pipeline.ledgerTable),
    register: new LedgerDeletionRegister(services.dynamoDb, pipeline.ledgerTable),
    archive: new S3ArchiveCleaner(services.s3, pipeline.bucket),
    ledger: pipeline.ledger,
    clock: { nowMs: () => Date.now() },
  };
}

/** What waits in a queue, which it goes on doing. */
async function bodiesIn(QueueUrl: string): Promise<string[]> {
  const bodies = new Map<string, string>();
  for (let size = -1; size < bodies.size; ) {
    size = bodies.size;
    const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 });
    const { Messages = [] } = await services.sqs.send(receive);
    for (const { MessageId = '', Body = '' } of Messages) bodies.set(MessageId, Body);
  }
  return [...bodies.values()];
}

test('a dry run says what there is, and changes nothing', async () => {
  const pipeline = await countedPipeline();
  const report = await pipeline.delete({ dryRun: true, archive: true });
  assert.deepEqual(report.counters, { items: 1, events: 12, metrics: ['view'] });
  assert.equal(report.archive.rewritten + report.archive.removed, 1);
  assert.equal(await pipeline.total(PERSON), 12n);
  assert.equal((await pipeline.register.deletions()).size, 0);
  assert.ok(![...(await pipeline.archived()).keys()].some((key) => key.startsWith('deletions/')));
});

test('the top lists of its metrics name it no more, neither as an entry nor as what is outside', async () => {
  const pipeline = await countedPipeline();
  const tops = new TopTable(services.dynamoDb, pipeline.ledgerTable);
  const [person, other] = [PERSON, '/other'].map((entity) => ({ entity, n: 12n })) as [Ranked, Ranked];
  const hour = { metric: 'view', by: 'hour', startMs: HOUR } as const;
  const month = { metric: 'view', by: 'month', startMs: Date.UTC(2026, 10) } as const;
  const put = (name: TopName, list: TopList) =>
    tops.putTop(name, { list, revision: 1, expiresAt: 9_999_999_999 });
  await put(hour, { entries: [other, person], outside: undefined });
  await put(month, { entries: [other], outside: person });
  await put({ ...hour, metric: 'else' }, { entries: [other], outside: undefined });
  assert.deepEqual((await pipeline.delete({ dryRun: true, archive: false })).tops, { lists: 2 });
  assert.deepEqual((await tops.readTop(hour)).list.entries, [other, person]);
  await pipeline.delete({ dryRun: false, archive: false });
  const left = await tops.readTop(hour);
  assert.deepEqual([left.list, left.expiresAt], [{ entries: [other], outside: undefined }, 9_999_999_999]);
  assert.deepEqual((await tops.readTop(month)).list, { entries: [other], outside: { entity: '', n: 12n } });
});

test('afterwards the entity is nowhere, others are as they were, and what is kept of it has no name', async () => {
  const pipeline = await countedPipeline();
  await pipeline.delete();
  assert.equal(await pipeline.total(PERSON), 0n);
  assert.equal(await pipeline.total('/other'), 12n);
  const archived = await pipeline.archived();
  const rejected = [...archived].filter(([key]) => key.startsWith('rejected/')).map(([, text]) => text);
  const records = rejected
    .flatMap((text) => text.trim().split('\n'))
    .map((line) => JSON.parse(line).data as string);
  assert.deepEqual(
    records.map((data) => JSON.parse(Buffer.from(data, 'base64').toString()).entity),
    ['/other'],
  );
  const [record] = [...archived].filter(([key]) => key.startsWith('deletions/'));
  assert.partialDeepStrictEqual(JSON.parse(record?.[1] ?? ''), {
    entityHash: entityHash(PERSON),
    counters: { items: 1, events: 12 },
  });
  for (const [key, text] of archived) assert.ok(!`${key}${text}`.includes(PERSON), key);
});

test('the audit does not miss what was deleted, and a repair would not bring it back', async () => {
  const pipeline = await countedPipeline();
  assert.deepEqual((await pipeline.audit()).differences, []);
  await pipeline.delete();
  const report = await pipeline.audit();
  assert.deepEqual(report.differences, []);
  assert.equal(report.itemsDiffering, 0);
});

test('the books count what was counted, with or without a name', async () => {
  const pipeline = await countedPipeline();
  const status = async () => {
    await keepBooks(pipeline.ledger, always);
    const { shards: _, ...sums } = await readStatus(pipeline.ledger);
    return sums;
  };
  const before = await status();
  await pipeline.delete();
  assert.deepEqual(await status(), before);
});

test('a message that comes back adds each of its events at most once, and deleting again takes them away', async () => {
  const pipeline = await countedPipeline();
  await pipeline.delete();
  for (const MessageBody of [...pipeline.messages, ...pipeline.messages]) {
    await services.sqs.send(new SendMessageCommand({ QueueUrl: pipeline.queueUrl, MessageBody }));
  }
  await pipeline.writeAll();
  assert.equal(await pipeline.total(PERSON), 12n);
  assert.equal(await pipeline.total('/other'), 12n);
  assert.deepEqual((await pipeline.audit()).differences, []);
  await pipeline.delete();
  assert.equal(await pipeline.total(PERSON), 0n);
});

test('a parked letter that was only the entity goes, and nobody waits for its part', async () => {
  const pipeline = await startPipeline(services);
  await pipeline.put({ id: 'a', entity: PERSON, at: HOUR });
  await pipeline.aggregateAll();
  const [body = ''] = await bodiesIn(pipeline.queueUrl);
  const part = partIn(body) ?? assert.fail();
  const history = unknownHistory(HOUR);
  await pipeline.archive.keepParked({ messageId: 'm', body }, history);
  await pipeline.ledger.notePlace(part, 'parked');
  assert.equal((await readStatus(pipeline.ledger)).parked, 1);
  await deleteEntity(PERSON, portsOf(pipeline), REAL);
  const { parked, lost } = await readStatus(pipeline.ledger);
  assert.deepEqual({ parked, lost }, { parked: 0, lost: 1 });
  const { Contents = [] } = await services.s3.send(new ListObjectsV2Command({ Bucket: pipeline.bucket }));
  assert.ok(Contents.every(({ Key = '' }) => Key.startsWith('deletions/')));
});

test('deleting what is not there is no error, and done twice changes nothing more', async () => {
  const pipeline = await countedPipeline();
  await pipeline.delete();
  const again = await pipeline.delete();
  assert.deepEqual(again.counters, { items: 0, events: 0, metrics: [] });
  assert.equal(again.archive.rewritten + again.archive.removed, 0);
});
