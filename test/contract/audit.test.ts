// The audit on real services: counted events pass it, every kind of tampering is named, and a repair mends it, once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { type AuditReport, audit } from '../../lambdas/auditor/audit.ts';
import { itemRepairer } from '../../lambdas/auditor/repair.ts';
import { AuditedCounterTable } from '../../lambdas/aws/audited-counter-table.ts';
import { counterKey } from '../../lambdas/counting/counter-item.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { startPipeline } from '../support/pipeline.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR = Date.UTC(2026, 10, 22, 5);
const BUCKET = '2026-11-22T05';
const RANGE = { fromMs: HOUR, toMs: HOUR + HOUR_MS };
const always = () => true;

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
  const counters = new AuditedCounterTable(services.dynamoDb, pipeline.counterTable);
  const deletions = async () => new Map<string, number>();
  const ports = { ledger: pipeline.ledger, log: pipeline.log, counters, deletions };
  return {
    ...pipeline,
    run: (slice = { index: 0, count: 1 }) => audit(RANGE, slice, ports, always),
    repair: () =>
      audit(
        RANGE,
        { index: 0, count: 1 },
        ports,
        always,
        itemRepairer(counters, pipeline.archive, undefined),
      ),
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

test('what was counted passes, in one piece and in slices', async () => {
  const { run } = await countedPipeline();
  const whole = await run();
  assert.deepEqual(
    [
      whole.items,
      whole.events,
      whole.differences,
      whole.notReproducible,
      whole.segmentsUnaudited,
      whole.complete,
    ],
    [5, 61, [], [], [], true],
  );
  let [items, events] = [0, 0];
  for (let index = 0; index < 4; index += 1) {
    const part = await run({ index, count: 4 });
    items += part.items;
    events += part.events;
    assert.deepEqual(part.differences, []);
  }
  assert.deepEqual([items, events], [5, 61]);
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
