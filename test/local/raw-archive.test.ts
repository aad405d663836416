// Raw events on a local stack that archives them: an hour is recounted after the stream has trimmed it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { createClock } from '../../local/clock.ts';
import { settled, startTestStack } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

const DAY_MS = 86_400_000;
const clock = createClock();
const stack = await startTestStack({ settings: { archiveRawEvents: true }, clock });
const local = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const s3 = new S3Client({ ...local, endpoint: stack.endpoints.s3, forcePathStyle: true });
after(async () => {
  s3.destroy();
  await rm(folder, { recursive: true });
});
const resource = (type: string, start: string) => {
  const found = stack.template.ofType(type).find(({ logicalId }) => logicalId.startsWith(start));
  assert.ok(found, `${type} ${start}`);
  return stack.ref(found.logicalId);
};
const Bucket = resource('AWS::S3::Bucket', 'Archive');
const HOURS = ['--from', '2026-11-20T05:00Z', '--to', '2026-11-20T07:00Z'];
const TALLY = fileURLToPath(new URL('../../bin/tally.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'tally-raw-'));

interface Findings extends Record<string, unknown> {
  readonly unknown: readonly { shard: string; first: number; reason: string }[];
}

/** `tally recount`, as an operator runs it. */
async function recount(source: 'stream' | 'archive'): Promise<{ code: number; findings: Findings }> {
  const args = [TALLY, 'recount', '--url', stack.url, ...HOURS, '--json', '--source', source];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, findings: JSON.parse(text) as Findings };
}

async function rawKeys(): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'raw/' }));
  return Contents.map(({ Key = '' }) => Key).filter((key) => key.endsWith('.gz'));
}

let counted: Findings;

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
    await settled(stack, events.length);
    const { code, findings } = await recount('stream');
    assert.deepEqual([code, findings['events'], findings['differing']], [0, 60, 0]);
    counted = findings;
    assert.deepEqual(await recount('archive'), { code: 0, findings: counted });
    assert.equal((await rawKeys()).length, findings['segments']);
  },
);

test('when the stream has trimmed its records, the hour is counted from the archive', patient, async () => {
  clock.forward(8 * DAY_MS);
  const trimmed = await recount('stream');
  assert.deepEqual([trimmed.code, trimmed.findings['segments']], [3, 0]);
  assert.equal(trimmed.findings.unknown[0]?.reason, 'trimmed');
  assert.deepEqual(await recount('archive'), { code: 0, findings: counted });
});

test('an object that is gone is named by its segment', patient, async () => {
  const [Key = ''] = await rawKeys();
  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  const { code, findings } = await recount('archive');
  const segment = Key.split('/').at(-1)?.replace('.ndjson.gz', '');
  assert.equal(code, 1);
  assert.deepEqual(
    findings.unknown.map(({ shard, first, reason }) => [`${shard}.${first}`, reason]),
    [[segment, 'raw-missing']],
  );
});
