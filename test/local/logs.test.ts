// Logs into Tally on the local stack: an object that is put into a bucket, an imported file, and one that is followed.
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import PQueue from 'p-queue';
import { Follower } from '../../cli/follow/follower.ts';
import { noFigures } from '../../cli/import/figures.ts';
import { importFile } from '../../cli/import/import-file.ts';
import { connect } from '../../cli/service.ts';
import { openSource } from '../../cli/source/source.ts';
import { logLines } from '../cli/support/import-world.ts';
import { startTestStack } from '../support/local-stack.ts';
import { until } from '../support/patience.ts';

const patient = { timeout: 120_000 };
const accessLogs = [{ bucket: 'access-logs', prefix: 'web/', metric: 'collected' }];
const stack = await startTestStack({ settings: { accessLogs } });
const folder = await mkdtemp(join(tmpdir(), 'tally-logs-'));
const s3 = new S3Client({
  endpoint: stack.endpoints.s3,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
after(async () => {
  s3.destroy();
  await rm(folder, { recursive: true });
});

const never = new AbortController().signal;
const reporter = { note: () => {}, rejected: () => {}, progress: () => {} };
const options = { url: stack.url, apiKey: undefined, timeoutMs: 30_000, concurrency: 2 };
const settingsFor = (service: string, metric: string) => ({
  target: { service, metric, label: '' },
  format: {},
  delivery: { dedupWindowMs: 600_000, timeoutMs: 30_000, uncertain: 'hold' as const },
  concurrency: 2,
  stateFolders: { chosen: join(folder, 'state'), home: folder },
});

async function service() {
  const found = await connect(options, { say: () => {}, stop: never, giveUpAfterMs: 60_000 });
  assert.ok(found);
  const { client, id } = found;
  return {
    client,
    id,
    ports: { sender: client, now: Date.now, stop: never, kill: never, trouble: () => {} },
  };
}

/** Waits for the thing itself: until so many events of a metric are counted. */
async function counted(metric: string, events: number): Promise<void> {
  const { client } = await service();
  await until(async () => {
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
  // The same content again is the same object; another one shows that the queue is past it.
  await put('web/a.log.gz', logLines(1200));
  await put('web/c.log.gz', logLines(30, 9000));
  await counted('collected', 1230);
});

test('a file is imported once, and the state knows the service by what it is', patient, async () => {
  const path = join(folder, 'a.log');
  await writeFile(path, logLines(700));
  const { id, ports } = await service();
  assert.match(id, /^Tally-local\/[0-9a-f-]{36}\/1$/);
  const source = await openSource(path);
  const settings = { ...settingsFor(id, 'imported'), forget: false, dryRun: false };
  assert.equal((await importFile(source, settings, ports, reporter)).figures.accepted, 700);
  // As if the journal were lost.
  const lost = { ...settings, stateFolders: { chosen: join(folder, 'lost'), home: folder } };
  assert.equal((await importFile(source, lost, ports, reporter)).figures.accepted, 700);
  await appendFile(path, logLines(5, 700));
  assert.equal((await importFile(await openSource(path), settings, ports, reporter)).figures.accepted, 5);
  await counted('imported', 705);
});

test('a file is counted as it is written', patient, async () => {
  const path = join(folder, 'followed.log');
  const { id, ports } = await service();
  const settings = { ...settingsFor(id, 'followed'), flushMs: 0, lingerMs: 1000 };
  const failed = (error: unknown) => assert.fail(String(error));
  const shared = {
    ...ports,
    queue: new PQueue({ concurrency: 2 }),
    reporter,
    figures: noFigures(),
    fail: failed,
  };
  const follower = new Follower(path, path, settings, shared);
  await follower.start();
  for (let round = 0; round < 3; round += 1) {
    await appendFile(path, logLines(40, round * 40));
    while (await follower.step());
    await counted('followed', (round + 1) * 40);
  }
  await follower.close();
});
