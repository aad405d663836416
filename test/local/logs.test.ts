// Logs into Tally on the local stack: an object that is put into a bucket, an imported file, and one that is followed.
import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import PQueue from 'p-queue';
import { followerOf } from '../../cli/follow/follower.ts';
import { Figures } from '../../cli/import/figures.ts';
import { type ImportSettings, importFile } from '../../cli/import/import-file.ts';
import { connect, waitUntilCounted } from '../../cli/service.ts';
import { openSource, type Source } from '../../cli/source/source.ts';
import { s3 as s3Client } from '../../lambdas/aws/clients/s3.ts';
import { credentials, region } from '../../local/identity.ts';
import { logLines } from '../cli/support/import-world.ts';
import { tally } from '../support/commands.ts';
import { temporaryFolder } from '../support/folder.ts';
import { invoked, resourceIn, startTestStack } from '../support/local-stack.ts';
import { patient, until } from '../support/patience.ts';

const accessLogs = [{ bucket: 'access-logs', prefix: 'web/', metric: 'collected' }];
const stack = await startTestStack({ faults: true, settings: { accessLogs } });
const folder = temporaryFolder();
const s3 = s3Client({ region, credentials, endpoint: stack.endpoints.s3 });
after(() => s3.destroy());

const never = new AbortController().signal;
const reporter = { note: () => {}, rejected: () => {}, trouble: () => {}, progress: () => {} };
const options = { url: stack.url, apiKey: undefined, timeoutMs: 30_000, concurrency: 2 };
const settingsFor = (service: string, metric: string) => ({
  target: { service, metric, label: '' },
  format: {},
  delivery: { dedupWindowMs: 600_000, timeoutMs: 30_000, uncertain: 'hold' as const },
  concurrency: 2,
  stateFolders: { chosen: join(folder, 'state'), home: folder },
});

async function service() {
  const found = await connect(options, never, 60_000);
  assert.ok(found);
  const { client, id } = found;
  return {
    found,
    client,
    id,
    ports: { sender: client, now: Date.now, stop: never, kill: never, reporter, figures: new Figures() },
  };
}

/** Waits until the given number of events of a metric is counted. @param step repeated meanwhile */
async function counted(metric: string, events: number, step = async () => false): Promise<void> {
  const { client } = await service();
  await until(async () => {
    await step();
    const questions = Array.from({ length: 7 }, (_, i) => ({
      metric,
      entity: `/page/${i}`,
      by: 'total' as const,
    }));
    const answers = await client.countsBatch(questions);
    const sum = answers.reduce((all, one) => all + ('error' in one ? 0 : Number(one.total)), 0);
    assert.ok(sum <= events, `${sum} counted`);
    return sum === events;
  });
}

test('an object in a bucket of logs is counted, once, however often it is announced', patient, async () => {
  const put = (Key: string, text: string) =>
    s3.send(new PutObjectCommand({ Bucket: 'access-logs', Key, Body: gzipSync(text) }));
  await put('web/a.log.gz', logLines(1200));
  await put('other/b.log.gz', logLines(50, 5000));
  await counted('collected', 1200);
  // The same content again is the same object; a second object shows that the queue has moved on.
  await put('web/a.log.gz', logLines(1200));
  await put('web/c.log.gz', logLines(30, 9000));
  await counted('collected', 1230);
});

/** `tally collect-backfill`, which announces every object again. */
const backfill = async (...options: string[]) =>
  (await tally(['collect-backfill', '--url', stack.url, ...options])).out;

test('a backfill finds the keys below --prefix, and no others', patient, async () => {
  for (const [prefix, objects] of [
    ['web/a', 1],
    ['we', 2],
    ['other/', 0],
  ] as const)
    assert.equal(await backfill('--dry-run', '--prefix', prefix), `${objects} objects found.\n`, prefix);
});

test(
  'a collector that is killed between its batches: the next one counts each line once',
  patient,
  async () => {
    const collector = stack.functions.all.find(({ definition }) => /Collector/.test(definition.name));
    assert.ok(collector);
    let puts = 0;
    const killed = new Promise<void>((resolve) => {
      stack.setFault(async (call) => {
        if (call.caller !== `function ${collector.definition.name}` || call.action !== 'PutRecords')
          return 'pass';
        puts += 1;
        if (puts !== 2) return 'pass';
        await collector.kill();
        resolve();
        return 'lose-answer';
      });
    });
    const text = logLines(25_000, 100_000);
    await s3.send(new PutObjectCommand({ Bucket: 'access-logs', Key: 'web/d.log', Body: text }));
    await killed;
    stack.setFault(undefined);
    assert.match(await backfill(), /^3 objects announced\.\n$/);
    await counted('collected', 26_230);
    assert.ok(puts >= 2);
  },
);

test(
  'an object that cannot be read is a dead letter, which the redriver parks with its reason',
  patient,
  async () => {
    const Body = Buffer.from(`${'a.log'.padEnd(257, '\0')}ustar\0`);
    await s3.send(new PutObjectCommand({ Bucket: 'access-logs', Key: 'web/bad.tar', Body }));
    await until(async () => ((await invoked(stack, 'redriver')) as { parked: number }).parked > 0);
    const archive = resourceIn(stack, 'AWS::S3::Bucket');
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket: archive, Prefix: 'parked/poison/' }),
    );
    const { Body: found } = await s3.send(
      new GetObjectCommand({ Bucket: archive, Key: Contents[0]?.Key ?? 'none' }),
    );
    const { history, body } = JSON.parse((await found?.transformToString()) ?? '');
    assert.match(history.reason, /^web\/bad\.tar is a tar archive/);
    assert.equal(JSON.parse(body).detail.object.key, 'web/bad.tar');
  },
);

test('a file is imported once, and the state identifies the service by its id', patient, async () => {
  const path = join(folder, 'a.log');
  await writeFile(path, logLines(700));
  const { id, ports } = await service();
  const accepted = async (...file: [Source, ImportSettings]) => {
    const figures = new Figures();
    await importFile(...file, { ...ports, figures });
    return figures.accepted;
  };
  assert.match(id, /^Tally-local\/[0-9a-f-]{36}$/);
  const source = await openSource(path);
  const settings = { ...settingsFor(id, 'imported'), forget: false, dryRun: false };
  const waiting = await service();
  assert.equal(await accepted(source, settings), 700);
  const now = { acceptedAt: Date.now(), metric: 'imported', timeoutMs: Infinity, stop: never };
  assert.equal((await waitUntilCounted(waiting.found, { ...now, accepted: 700 })).end, 'counted');
  // Events count in every grain at once, also in the past.
  const from = new Date('2026-01-01T00:00Z');
  for (const by of ['minute', 'hour', 'day', 'month', 'total'] as const) {
    const question = by === 'total' ? { by } : { by, from, to: new Date('2026-02-01T00:00Z') };
    const { total } = await waiting.client.counts('imported', '/page/0', question);
    assert.equal(total, 100, by);
  }
  // As if the journal were lost.
  const lost = { ...settings, stateFolders: { chosen: join(folder, 'lost'), home: folder } };
  assert.equal(await accepted(source, lost), 700);
  await appendFile(path, logLines(5, 700));
  assert.equal(await accepted(await openSource(path), settings), 5);
  await counted('imported', 705);
});

test('a file is counted as it is written', patient, async () => {
  const path = join(folder, 'followed.log');
  const { id, ports } = await service();
  const failed = (error: unknown) => assert.fail(String(error));
  const shared = {
    ...ports,
    queue: new PQueue({ concurrency: 2 }),
    fail: failed,
  };
  const follower = followerOf(path, path, settingsFor(id, 'followed'), shared);
  await follower.start();
  for (let round = 0; round < 3; round += 1) {
    await appendFile(path, logLines(40, round * 40));
    await counted('followed', (round + 1) * 40, () => follower.step());
  }
  await follower.close();
});
