// The audit on real services: counted events pass it, every kind of tampering is named, and a repair mends it, once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { S3AuditScratch } from '../../lambdas/aws/audit-scratch.ts';
import { AuditedCounterTable } from '../../lambdas/aws/audited-counter-table.ts';
import { type AuditReport, type AuditState, auditReport } from '../../lambdas/counting/audit-state.ts';
import { counterKey } from '../../lambdas/counting/counter-item.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { auditId, auditsOf } from '../support/audits.ts';
import { startPipeline } from '../support/pipeline.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR = Date.UTC(2026, 10, 22, 5);
const BUCKET = '2026-11-22T05';
const RANGE = { fromMs: HOUR, toMs: HOUR + HOUR_MS };

async function countedPipeline() {
  const pipeline = await startPipeline(services, 2);
  const ids = Array.from({ length: 60 }, (_, index) => `id-${index}`);
  const event = (id: string, index: number) => ({
    id,
    entity: `/${index % 5}`,
    at: HOUR + index * 60_000,
    n: index % 7,
  });
  await pipeline.put(...ids.map(event));
  await pipeline.aggregateAll();
  await pipeline.put(...ids.slice(0, 20).map(event), { id: 'late', entity: '/0', at: HOUR, n: 100 });
  await pipeline.aggregateAll();
  await pipeline.writeAll();
  const audits = auditsOf(services, pipeline, RANGE);
  return {
    ...pipeline,
    ...audits,
    repair: () => audits.run(true),
    tamper: (
      entity: string,
      UpdateExpression: string,
      values: Record<string, { N: string } | { SS: string[] }>,
    ) =>
      services.dynamoDb.send(
        new UpdateItemCommand({
          TableName: pipeline.counterTable,
          Key: keyOf(entity),
          UpdateExpression,
          ExpressionAttributeValues: values,
        }),
      ),
    remove: (entity: string) =>
      services.dynamoDb.send(new DeleteItemCommand({ TableName: pipeline.counterTable, Key: keyOf(entity) })),
  };
}
function keyOf(entity: string) {
  const { pk, sk } = counterKey('view', entity, BUCKET);
  return { pk: { S: pk }, sk: { S: sk } };
}
const kinds = ({ differences }: AuditReport) => differences.map(({ kind }) => kind).sort();

test('what was counted passes, in one page and in as many as there are steps', async () => {
  const { run, start, page, scratch } = await countedPipeline();
  const whole = await run();
  assert.deepEqual(
    [whole.items, whole.events, whole.differences, whole.notReproducible, whole.segmentsUnaudited],
    [5, 61, [], [], []],
  );
  let state = await start();
  const pages: AuditState[] = [];
  while (state.position.phase !== 'done') {
    pages.push(state);
    state = await page(state, () => false);
  }
  assert.deepEqual(auditReport(state), whole);
  assert.ok(pages.length > 6, `${pages.length} pages`);
  // A page that is asked for again, from the middle, ends at the same report, and what it set aside is as it was.
  const middle = await scratch.readState(state.id, 3);
  assert.ok(middle);
  assert.deepEqual(auditReport(await page(middle, () => true)), whole);
  assert.equal(await scratch.readState(state.id, pages.length + 1), undefined);
});

test('of two attempts at one step the first one counts', async () => {
  const { scratch, start } = await countedPipeline();
  const state = { ...(await start()), step: 1 };
  assert.deepEqual(await scratch.putStateIfAbsent(state), state);
  assert.deepEqual(await scratch.putStateIfAbsent({ ...state, itemsScanned: 9 }), state);
});

test('lines come back by partition, whatever is in them', async () => {
  const { bucket } = await countedPipeline();
  const scratch = new S3AuditScratch(services.s3, bucket, 4);
  const audit = auditId();
  const spill = await scratch.putSpill(audit, [['"a"', '"é😀"'], [], ['"c"'], []]);
  assert.deepEqual(await scratch.spillSizes(audit, spill), [13, 0, 4, 0]);
  const cold = new S3AuditScratch(services.s3, bucket, 4);
  assert.deepEqual(await cold.readSpill(audit, spill, 0, 4), ['"a"', '"é😀"', '"c"']);
  assert.deepEqual(await cold.readSpill(audit, spill, 1, 3), ['"c"']);
  assert.deepEqual(await cold.readSpill(audit, spill, 3, 4), []);
  assert.equal(await cold.putSpill(audit, [['"a"', '"é😀"'], [], ['"c"'], []]), spill);
});

test('what is still in the queue is no difference', async () => {
  const { put, aggregateAll, run, writeAll } = await countedPipeline();
  await put({ id: 'fresh', entity: '/1', at: HOUR }, { id: 'new', entity: '/new', at: HOUR });
  await aggregateAll();
  assert.deepEqual((await run()).differences, []);
  await writeAll();
  const { differences, items } = await run();
  assert.deepEqual([differences, items], [[], 6]);
});

test('a tampered minute, a lost item and a stranger among the segments are each named', async () => {
  const { run, tamper, remove } = await countedPipeline();
  await tamper('/0', 'ADD m00 :one', { ':one': { N: '1' } });
  await remove('/1');
  await tamper('/2', 'ADD applied :stranger', { ':stranger': { SS: ['1.0.zzz', '9.9.9'] } });
  const report = await run();
  const of = (entity: string) => report.differences.filter((difference) => difference.entity === entity);
  const [minute, ...others] = of('/0');
  assert.deepEqual(others, []);
  assert.ok(minute?.kind === 'minute-differs');
  assert.deepEqual(
    [minute.metric, minute.bucket, minute.minute, minute.found - minute.expected],
    ['view', BUCKET, 0, 1n],
  );
  assert.ok(of('/1').length >= 1 && of('/1').every(({ kind }) => kind === 'segment-missing'));
  const strangers = of('/2').flatMap((difference) =>
    difference.kind === 'segment-unknown' ? [difference.segment] : [],
  );
  assert.ok(strangers.includes('9.9.9'), JSON.stringify(of('/2')));
});

test('a repair mends what differs, leaves its trace, and done again does nothing', async () => {
  const { run, repair, tamper, remove, bucket } = await countedPipeline();
  await tamper('/0', 'ADD m00 :one, n :one, e :one', { ':one': { N: '1' } });
  await tamper('/3', 'REMOVE m03 SET n = :wrong', { ':wrong': { N: '12345' } });
  await remove('/1');
  await tamper('/2', 'ADD applied :stranger', { ':stranger': { SS: ['9.9.9'] } });
  assert.ok((await run()).differences.length >= 5);
  const repaired = await repair();
  assert.equal(repaired.repaired, 4);
  assert.deepEqual(kinds(await run()), []);
  assert.equal((await repair()).repaired, 0);
  const { Contents = [] } = await services.s3.send(
    new ListObjectsV2Command({ Bucket: bucket, Prefix: 'repairs/' }),
  );
  assert.equal(Contents.length, 4);
});

test('an item that nobody emitted is named, and a repair empties it', async () => {
  const { run, repair, tamper } = await countedPipeline();
  await tamper('/invented', 'ADD m07 :two, n :two, e :one', { ':two': { N: '2' }, ':one': { N: '1' } });
  const { differences, itemsDiffering } = await run();
  assert.equal(itemsDiffering, 1);
  assert.deepEqual(
    differences.map(({ entity, kind }) => [entity, kind]),
    ['minute-differs', 'total-differs', 'events-differ'].map((kind) => ['/invented', kind]),
  );
  assert.equal((await repair()).repaired, 1);
  assert.deepEqual((await run()).differences, []);
});

test('an item that changes between reading and repairing is left to the next audit', async () => {
  const { counterTable, tamper } = await countedPipeline();
  const counters = new AuditedCounterTable(services.dynamoDb, counterTable);
  const key = counterKey('view', '/0', BUCKET);
  const [stored] = await counters.readItems([key]);
  assert.ok(stored);
  await tamper('/0', 'ADD applied :more, e :one', { ':more': { SS: ['1.0.more'] }, ':one': { N: '1' } });
  const expected = { key, total: 0n, events: 0, minutes: new Map(), applied: new Set<never>() };
  assert.equal(await counters.rewrite(expected, stored, undefined), 'changed-meanwhile');
  assert.equal(await counters.rewrite(expected, undefined, undefined), 'changed-meanwhile');
});
