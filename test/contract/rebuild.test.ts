// A history rebuilt from the archive on real services: other tables, another generation, the same counts; killed anywhere and run again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AttributeValue, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DescribeStreamCommand, SplitShardCommand } from '@aws-sdk/client-kinesis';
import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { CounterTable } from '../../lambdas/aws/counter-table.ts';
import { LedgerTable } from '../../lambdas/aws/ledger-table.ts';
import { LevelLedgerTable } from '../../lambdas/aws/level-ledger.ts';
import { LevelTable } from '../../lambdas/aws/level-table.ts';
import { TopTable } from '../../lambdas/aws/top-table.ts';
import { parseShardKey } from '../../lambdas/counting/identifiers.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { directQueue } from '../../lambdas/rebuild/direct-queue.ts';
import { NotPlayable } from '../../lambdas/rebuild/raw-log.ts';
import { type RebuildPorts, rebuild } from '../../lambdas/rebuild/rebuild.ts';
import { startPipeline } from '../support/pipeline.ts';
import { type ClientEvent, CONFIG } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR = Date.UTC(2026, 10, 22, 5);
const SETTINGS = { generation: '2', source: undefined, hours: undefined, shards: 2, concurrency: 4 };
const clock = { nowMs: () => Date.now() };
type Pipeline = Awaited<ReturnType<typeof archivedPipeline>>;

/** Events with duplicates among them, of a stream that is split half-way, counted and archived. */
async function archivedPipeline(archived = true) {
  const pipeline = await startPipeline(services, 1, { archived });
  const event = (index: number): ClientEvent => ({
    id: `id-${index}`,
    entity: `/${index % 7}`,
    at: HOUR + index * 90_000,
    n: (index % 5) - 1,
  });
  const send = async (from: number, to: number) => {
    await pipeline.put(...Array.from({ length: to - from }, (_, index) => event(from + index)));
    await pipeline.aggregateNew();
  };
  await send(0, 30);
  await send(20, 50);
  await split(pipeline.stream);
  await send(40, 90);
  await pipeline.put({ id: 'bad', entity: '/bad', at: HOUR, n: 0.5 });
  await send(60, 100);
  await pipeline.writeAll();
  return pipeline;
}

async function split(StreamName: string): Promise<void> {
  const { StreamDescription } = await services.kinesis.send(new DescribeStreamCommand({ StreamName }));
  const ShardToSplit = StreamDescription?.Shards?.[0]?.ShardId;
  const middle = { ShardToSplit, NewStartingHashKey: String(2n ** 127n) };
  await services.kinesis.send(new SplitShardCommand({ StreamName, ...middle }));
  for (;;) {
    const now = await services.kinesis.send(new DescribeStreamCommand({ StreamName }));
    if (now.StreamDescription?.StreamStatus === 'ACTIVE') return;
  }
}

function portsOf(pipeline: Pipeline, counterTable: string, ledgerTable: string): RebuildPorts {
  return {
    history: pipeline.raw,
    first: pipeline.ledger,
    ledger: new LedgerTable(services.dynamoDb, ledgerTable, clock),
    counters: new CounterTable(services.dynamoDb, counterTable),
    progress: new LevelLedgerTable(services.dynamoDb, ledgerTable),
    levels: new LevelTable(services.dynamoDb, counterTable),
    tops: new TopTable(services.dynamoDb, ledgerTable),
    clock,
    random: () => 0.5,
    pause: async () => {},
  };
}

async function secondTables(pipeline: Pipeline) {
  const [counterTable, ledgerTable] = await Promise.all([services.table(), services.table()]);
  return { counterTable, ports: portsOf(pipeline, counterTable, ledgerTable) };
}

/** What the counter items of a table say, but for the names of segments. */
async function countsIn(TableName: string): Promise<unknown> {
  const { Items = [] } = await services.dynamoDb.send(new ScanCommand({ TableName, ConsistentRead: true }));
  const textOf = (value: AttributeValue | undefined) => value?.S ?? '';
  return Items.filter(({ sk }) => textOf(sk).includes('#H#'))
    .map(({ applied, ...item }) => ({ ...item, segments: applied?.SS?.length }))
    .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

test('every counter item comes out the same, under the new generation; shards that were split come after their parent', async () => {
  const pipeline = await archivedPipeline();
  const { counterTable, ports } = await secondTables(pipeline);
  const report = await rebuild(ports, SETTINGS);
  assert.deepEqual([report.shards, report.skipped], [3, 0]);
  const { before, after, ...comparison } = report.comparison;
  assert.deepEqual(comparison, {
    segments: report.played,
    differing: [],
    differingOmitted: 0,
    notArchived: 0,
    lost: 0,
    recovered: 0,
    unknown: 0,
    missing: 0,
  });
  assert.deepEqual([after, before.received, before.emitted], [before, 151, 100]);
  assert.deepEqual(await countsIn(counterTable), await countsIn(pipeline.counterTable));
  assert.deepEqual(
    (await ports.ledger.shards()).map((shard) => shard.split('.')[0]),
    ['2', '2', '2'],
  );
});

test('books, claims and levels are there, and a compactor finds its work when it is due', async () => {
  const pipeline = await archivedPipeline();
  const { ports } = await secondTables(pipeline);
  await rebuild(ports, SETTINGS);
  const { received, counted, inFlight } = await readStatus(ports.ledger);
  assert.deepEqual([received, counted, inFlight], [151, 100, 0]);
  let total = 0n;
  for await (const { minutes } of ports.counters.items('view', '/3', 0, HOUR + 24 * HOUR_MS))
    for (const n of minutes.values()) total += n;
  const item = await ports.levels.readLevel({ level: 'total', metric: 'view', entity: '/3', startMs: 0 });
  assert.equal(
    [...(item?.sums.values() ?? [])].reduce((sum, n) => sum + n, 0n),
    total,
  );
  assert.ok((await ports.progress.readClaims()).days.throughMs > HOUR);
  const cursor = await ports.progress.readCursor(parseShardKey('2.0'), 'days');
  assert.ok(cursor.interval <= Math.floor(clock.nowMs() / HOUR_MS));
});

test('the same stream goes on under the new generation: what was rebuilt is skipped, what is new counts once', async () => {
  const pipeline = await archivedPipeline();
  const { counterTable, ports } = await secondTables(pipeline);
  await rebuild(ports, SETTINGS);
  // Five of them are in the dedup window that was rebuilt.
  const more = Array.from({ length: 10 }, (_, index) => {
    const number = 95 + index;
    return { id: `id-${number}`, entity: `/${number % 7}`, at: HOUR };
  });
  await pipeline.put(...more);
  await pipeline.aggregateNew();
  await pipeline.writeAll();
  const queue = directQueue(ports, { counterRetentionMs: undefined, concurrency: 4 }, ports.pause);
  for (const shard of await pipeline.shardIds()) {
    const records = await pipeline.recordsOf(shard);
    const { ledger } = ports;
    const aggregator = { ledger, queue, log: pipeline.log, rejected: pipeline.archive, clock };
    await aggregate(
      { shard, records },
      { ...aggregator, windows: new DedupWindows(), listener: SILENT },
      { generation: '2', streamRetentionMs: 604_800_000, rollup: CONFIG },
      () => true,
    );
  }
  assert.deepEqual(await countsIn(counterTable), await countsIn(pipeline.counterTable));
  const { received, duplicate } = await readStatus(ports.ledger);
  assert.deepEqual([received, duplicate], [161, 55]);
});

test('killed anywhere and run again, it comes to the same; done, it does nothing more', {
  timeout: 120_000,
}, async () => {
  const pipeline = await archivedPipeline();
  const { counterTable, ports } = await secondTables(pipeline);
  let kills = 0;
  for (let calls = 3; ; calls += 4) {
    let left = calls;
    const dying = Object.fromEntries(
      Object.entries(ports).map(([name, port]) => [name, mortal(port, () => left-- <= 0)]),
    ) as unknown as RebuildPorts;
    const report = await rebuild({ ...dying, clock, pause: ports.pause }, SETTINGS).catch((error: Error) => {
      assert.match(error.message, /killed|could not be written/);
      return undefined;
    });
    if (report !== undefined) break;
    kills += 1;
  }
  assert.ok(kills > 20, `${kills} kills`);
  const { played, skipped, comparison } = await rebuild(ports, SETTINGS);
  assert.deepEqual([played, skipped], [0, comparison.segments]);
  assert.deepEqual(comparison.after, comparison.before);
  assert.deepEqual(await countsIn(counterTable), await countsIn(pipeline.counterTable));
});

/** A port whose calls fail once its process is dead; what was called before may have taken effect. */
function mortal<T>(port: T, isDead: () => boolean): T {
  if (typeof port !== 'object' || port === null) return port;
  return new Proxy(port, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (isDead()) throw new Error('killed');
        return member.apply(target, args);
      };
    },
  });
}

test('what is not archived any more is said, with what the first table has of it', async () => {
  const pipeline = await archivedPipeline();
  const { Contents = [] } = await services.s3.send(
    new ListObjectsV2Command({ Bucket: pipeline.bucket, Prefix: 'raw/' }),
  );
  const Key = Contents.find(({ Key: key = '' }) => key.endsWith('/1.0.1.ndjson.gz'))?.Key;
  await services.s3.send(new DeleteObjectCommand({ Bucket: pipeline.bucket, Key }));
  const { ports } = await secondTables(pipeline);
  const { comparison } = await rebuild(ports, SETTINGS);
  assert.equal(comparison.notArchived, 1);
  // Ten ids of the first segment came again in the second, and are new to who has never seen the first.
  assert.deepEqual(comparison.differing, ['1.0.2']);
  assert.equal(comparison.after.emitted - comparison.before.emitted, 10);
});

test('a range of hours of arrival is played by itself; one without records, or under its own name, is refused', async () => {
  const pipeline = await archivedPipeline();
  const { ports } = await secondTables(pipeline);
  const hourMs = clock.nowMs() - (clock.nowMs() % HOUR_MS);
  const empty = { fromMs: hourMs - 24 * HOUR_MS, toMs: hourMs - 23 * HOUR_MS };
  await assert.rejects(rebuild(ports, { ...SETTINGS, hours: empty }), NotPlayable);
  await assert.rejects(rebuild(ports, { ...SETTINGS, generation: '1' }), NotPlayable);
  const now = { fromMs: hourMs - HOUR_MS, toMs: hourMs + HOUR_MS };
  const { comparison, played } = await rebuild(ports, { ...SETTINGS, hours: now });
  assert.deepEqual([comparison.segments, comparison.after], [played, comparison.before]);
});
