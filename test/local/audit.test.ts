// The audit end to end on the local stack: items are spoilt behind the service's back, each is named, mended, and clean again.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DeleteItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { startLocalStack } from '../../local/stack.ts';

const patient = { timeout: 180_000 };
const stack = await startLocalStack({ schedules: false });
const local = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const dynamoDb = new DynamoDBClient({ ...local, endpoint: stack.endpoints.dynamodb });
const s3 = new S3Client({ ...local, endpoint: stack.endpoints.s3, forcePathStyle: true });
after(async () => {
  dynamoDb.destroy();
  s3.destroy();
  await stack.stop();
});
const resource = (type: string, start: string) => {
  const found = stack.template.ofType(type).find(({ logicalId }) => logicalId.startsWith(start));
  assert.ok(found, `${type} ${start}`);
  return stack.ref(found.logicalId);
};
const TableName = resource('AWS::DynamoDB::Table', 'TablesCounters');
const Bucket = resource('AWS::S3::Bucket', 'Archive');
const SIGNED = { authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=0' };
const HOURS = 'from=2026-11-20T05:00Z&to=2026-11-20T07:00Z';

interface Report extends Record<string, unknown> {
  differences: { kind: string; metric: string; entity: string; bucket: string; [field: string]: unknown }[];
}
async function ask(method: 'GET' | 'POST', query: string): Promise<Report> {
  const path = method === 'GET' ? 'audit' : 'admin/repair';
  const answer = await fetch(`${stack.url}/v1/${path}?${query}`, { method, headers: SIGNED });
  assert.equal(answer.status, 200);
  return (await answer.json()) as Report;
}
const keyOf = (entity: string) => ({ pk: { S: entity }, sk: { S: 'view#H#2026-11-20T05' } });
const change = (
  entity: string,
  UpdateExpression: string,
  values: Record<string, { N: string } | { SS: string[] }>,
) => {
  const expression = { UpdateExpression, ExpressionAttributeValues: values };
  return dynamoDb.send(new UpdateItemCommand({ TableName, Key: keyOf(entity), ...expression }));
};
const one = { ':one': { N: '1' } };

/** The one thing that is wrong with an entity's item. */
function only(report: Report, entity: string, kind: string) {
  const found = report.differences.filter((difference) => difference.entity === entity);
  assert.deepEqual(
    found.map((difference) => [difference.kind, difference.metric, difference.bucket]),
    [[kind, 'view', '2026-11-20T05']],
  );
  return found[0] ?? assert.fail();
}

test('events are counted, and the audit finds nothing', patient, async () => {
  const entities = ['/minute', '/missing', '/stranger', '/deleted', '/well'];
  const events = Array.from({ length: 50 }, (_, index) => ({
    id: `audited-${index}`,
    metric: 'view',
    entity: entities[index % 5],
    at: Date.UTC(2026, 10, 20, 5, index),
    n: 1 + (index % 3),
  }));
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ events });
  assert.equal((await fetch(`${stack.url}/v1/events`, { method: 'POST', headers, body })).status, 202);
  for (;;) {
    const { received, inFlight } = await stack.status();
    if (received >= events.length && inFlight === 0) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { complete, items, events: held, differences } = await ask('GET', HOURS);
  assert.deepEqual([complete, items, held, differences], [true, 5, 50, []]);
});

test('a spoilt item is named by what is wrong with it', patient, async () => {
  await change('/minute', 'ADD m05 :one', one);
  const { Attributes } = await dynamoDb.send(
    new UpdateItemCommand({
      TableName,
      Key: keyOf('/missing'),
      UpdateExpression:
        'SET n = :none, e = :none REMOVE applied, m01, m06, m11, m16, m21, m26, m31, m36, m41, m46',
      ExpressionAttributeValues: { ':none': { N: '0' } },
      ReturnValues: 'ALL_OLD',
    }),
  );
  const applied = Attributes?.['applied']?.SS ?? [];
  await change('/stranger', 'ADD applied :ids', { ':ids': { SS: ['9.9.9'] } });
  await dynamoDb.send(new DeleteItemCommand({ TableName, Key: keyOf('/deleted') }));
  await change('/invented', 'ADD e :one', one);

  const report = await ask('GET', HOURS);
  const minute = only(report, '/minute', 'minute-differs');
  assert.deepEqual([minute['minute'], Number(minute['found']) - Number(minute['expected'])], [5, 1]);
  const missing = report.differences.filter(({ entity }) => entity === '/missing');
  assert.deepEqual(
    missing.map(({ kind, segment }) => [kind, segment]).sort(),
    applied.map((segment) => ['segment-missing', segment]).sort(),
  );
  assert.equal(only(report, '/stranger', 'segment-unknown')['segment'], '9.9.9');
  const deleted = report.differences.filter(({ entity }) => entity === '/deleted');
  assert.ok(deleted.length >= 1 && deleted.every(({ kind }) => kind === 'segment-missing'));
  const invented = only(report, '/invented', 'events-differ');
  assert.deepEqual([invented['expected'], invented['found']], [0, 1]);
  assert.equal(report['itemsDiffering'], 5);
});

test('a repair mends them all, leaves its trace, and the audit is clean', patient, async () => {
  const { repaired } = await ask('POST', HOURS);
  assert.equal(repaired, 5);
  const { differences, items } = await ask('GET', HOURS);
  assert.deepEqual([differences, items], [[], 6]);
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'repairs/' }));
  assert.equal(Contents.length, 5);
  const counted = await fetch(
    `${stack.url}/v1/counts/view/%2Fminute?by=total&from=2026-11-20T05:00Z&to=2026-11-20T06:00Z`,
  );
  assert.equal(((await counted.json()) as { total: number }).total, 19);
  assert.equal((await ask('POST', HOURS))['repaired'], 0);
});

test('the command goes on from any cursor of an audit, to the same report', patient, async () => {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'audits/' }));
  // Every audit keeps the state after each of its steps.
  const states = Contents.filter(({ Key = '' }) => Key.endsWith('/states/1.json'));
  assert.ok(states.length >= 5);
  const command = fileURLToPath(new URL('../../operations/audit.ts', import.meta.url));
  const codes = [];
  for (const { Key = '' } of states) {
    const cursor = `${Key.split('/')[1]}.1`;
    const args = [command, '--url', stack.url, '--cursor', cursor];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore'] });
    const [code] = (await once(child, 'close')) as [number];
    codes.push(code);
  }
  // Two clean audits, one that found differences, and two repairs, whose cursors the audit does not take.
  assert.deepEqual(codes.sort(), [0, 0, 1, 2, 2]);
});
