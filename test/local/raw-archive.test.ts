// The strong audit end to end on a local stack that archives raw events: an hour is counted again when the stream has forgotten it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { createClock } from '../../local/clock.ts';
import { startLocalStack } from '../../local/stack.ts';
import { patient } from '../support/patience.ts';

const DAY_MS = 86_400_000;
const clock = createClock();
const stack = await startLocalStack({ schedules: false, settings: { archiveRawEvents: true }, clock });
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
const HOURS = ['--from', '2026-11-20T05:00Z', '--to', '2026-11-20T07:00Z'];
const AUDIT = fileURLToPath(new URL('../../operations/audit.ts', import.meta.url));

interface Report extends Record<string, unknown> {
  readonly differences: readonly Record<string, unknown>[];
  readonly segmentsUnaudited: readonly { first: string; reason: string }[];
}

/** The command, as an operator runs it. */
async function audit(...more: string[]): Promise<{ code: number; report: Report }> {
  const args = [AUDIT, '--url', stack.url, ...HOURS, '--json', ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, report: JSON.parse(text) as Report };
}

async function rawKeys(): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'raw/' }));
  return Contents.map(({ Key = '' }) => Key).filter((key) => key.endsWith('.gz'));
}

let counted: Report;

test(
  'events are archived as they were sent, and counted again from the archive as from the stream',
  patient,
  async () => {
    const events = Array.from({ length: 60 }, (_, index) => ({
      id: `raw-${index % 50}`,
      metric: 'view',
      entity: `/${index % 6}`,
      at: Date.UTC(2026, 10, 20, 5, index),
      n: 1 + (index % 3),
    }));
    const headers = { 'content-type': 'application/json' };
    for (const some of [events.slice(0, 30), events.slice(30)]) {
      const body = JSON.stringify({ events: some });
      assert.equal((await fetch(`${stack.url}/v1/events`, { method: 'POST', headers, body })).status, 202);
    }
    for (;;) {
      const { received, inFlight } = await stack.status();
      if (received >= events.length && inFlight === 0) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { code, report } = await audit();
    assert.deepEqual([code, report['source'], report['events']], [0, 'stream', 50]);
    counted = { ...report, source: 'archive' };
    assert.deepEqual(await audit('--source', 'archive'), { code: 0, report: counted });
    assert.equal((await rawKeys()).length, report['segments']);
  },
);

test(
  'when the stream has trimmed its records, the hour is counted from the archive, and mended from it',
  patient,
  async () => {
    clock.forward(8 * DAY_MS);
    const trimmed = await audit();
    assert.deepEqual(
      [trimmed.code, trimmed.report['segments'], trimmed.report.segmentsUnaudited[0]?.reason],
      [3, 0, 'trimmed'],
    );
    assert.deepEqual(await audit('--source', 'archive'), { code: 0, report: counted });

    await dynamoDb.send(
      new UpdateItemCommand({
        TableName,
        Key: { pk: { S: '/2' }, sk: { S: 'view#H#2026-11-20T05' } },
        UpdateExpression: 'ADD m02 :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      }),
    );
    const spoilt = await audit('--source', 'archive');
    assert.deepEqual(
      [spoilt.code, spoilt.report.differences.map(({ kind, entity, minute }) => [kind, entity, minute])],
      [1, [['minute-differs', '/2', 2]]],
    );
    const repaired = await audit('--source', 'archive', '--repair');
    assert.deepEqual([repaired.code, repaired.report['repaired']], [0, 1]);
    assert.deepEqual(await audit('--source', 'archive'), { code: 0, report: counted });
  },
);

test('an object that is gone is a difference, by the name of its segment', patient, async () => {
  const [Key = ''] = await rawKeys();
  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  const { code, report } = await audit('--source', 'archive');
  const segment = Key.split('/').at(-1)?.replace('.ndjson.gz', '');
  assert.deepEqual([code, report['rawDifferences']], [1, 1]);
  assert.deepEqual(
    report.segmentsUnaudited.map(({ first, reason }) => [first, reason]),
    [[segment, 'raw-missing']],
  );
});
