// Raw events on a local stack that archives them: an hour is recounted after the stream has trimmed it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { s3 as s3Client } from '../../lambdas/aws/clients/s3.ts';
import { createClock } from '../../local/clock.ts';
import { credentials, region } from '../../local/identity.ts';
import { tally } from '../support/commands.ts';
import { temporaryFolder } from '../support/folder.ts';
import { post, resourceIn, settled, startTestStack } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

const DAY_MS = 86_400_000;
const clock = createClock();
const stack = await startTestStack({ settings: { archiveRawEvents: true }, clock });
const s3 = s3Client({ region, credentials, endpoint: stack.endpoints.s3 });
after(() => s3.destroy());
const Bucket = resourceIn(stack, 'AWS::S3::Bucket', 'Archive');
const HOURS = ['--from', '2026-11-20T05:00Z', '--to', '2026-11-20T07:00Z'];
const folder = temporaryFolder();

interface Findings extends Record<string, unknown> {
  readonly unknown: readonly { shard: string; first: number; reason: string }[];
}

/** `tally recount`, as an operator runs it. */
async function recount(source: 'stream' | 'archive'): Promise<{ code: number; findings: Findings }> {
  const { code, out } = await tally(
    ['recount', '--url', stack.url, ...HOURS, '--json', '--source', source],
    folder,
  );
  return { code, findings: JSON.parse(out) as Findings };
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
    for (const some of [events.slice(0, 30), events.slice(30)]) await post(stack.url, some);
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
