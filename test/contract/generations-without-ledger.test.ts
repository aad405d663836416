// A new generation whose ledger is new, or from before generations were listed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { clock, services, start, wrapped } from './support/generations.ts';

test('a ledger from before generations were listed: the first new one finds the old by its shards', async () => {
  const { put, split, counted, ...pipeline } = await start(1);
  await put(9);
  const { ledger } = pipeline;
  const old = wrapped(ledger, /^putGenerations$/, async () => 'put');
  await pipeline.aggregateNew('1', { ledger: old });
  assert.deepEqual(await ledger.readGenerations(), []);
  await split();
  await put(4);
  await pipeline.aggregateNew('2');
  assert.equal(await counted(), 13);
});

/** The emulator has no iterator at a time. One at the horizon replaces it, since earlier records are skipped anyway. */
async function logAt(stream: string, asked: number[]): Promise<KinesisLog> {
  const client = await services.kinesisWith(async ({ action, body }) => {
    if (action !== 'GetShardIterator') return 'pass';
    const { ShardIteratorType, ShardId, Timestamp } = JSON.parse(body);
    if (ShardIteratorType !== 'AT_TIMESTAMP') return 'pass';
    asked.push(Timestamp * 1000);
    const answer = await services.kinesis.send(
      new GetShardIteratorCommand({ StreamName: stream, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const headers = { 'content-type': 'application/x-amz-json-1.1' };
    return { status: 200, headers, body: JSON.stringify({ ShardIterator: answer.ShardIterator }) };
  });
  return new KinesisLog(client, stream);
}

test('without the ledger, the new generation begins at a time, in open shards and in closed ones', async () => {
  const { put, split, counted, ...pipeline } = await start(3);
  await put(200);
  await pipeline.aggregateNew('1');
  assert.equal(await counted(), 200);
  await split();
  await put(30);
  await pipeline.aggregateNew('1');
  const timeMs = await afterArrivals(pipeline);
  await put(40);
  const empty = new LedgerTable(services.dynamoDb, await services.table(), clock);
  const asked: number[] = [];
  const log = await logAt(pipeline.stream, asked);
  // A recreated mapping delivers everything from the oldest record on.
  for (const shard of await pipeline.shardIds()) {
    const records = await pipeline.recordsOf(shard);
    await pipeline.aggregateShard(shard, records, '2', { ledger: empty, log, generationFrom: timeMs });
  }
  assert.equal(await counted(), 270);
  assert.ok(asked.length > 0 && asked.every((at) => at === timeMs));
  const names = await Promise.all(
    (await empty.shards()).map(async (shard) => (await empty.readHead(shard))?.segment),
  );
  assert.ok(names.every((segment) => segment === 1));
});

test('without the ledger and a time, what closed shards still hold counts again', async () => {
  const { put, split, counted, ...pipeline } = await start(1);
  await put(20);
  await pipeline.aggregateNew('1');
  await split();
  await put(4);
  const ledger = new LedgerTable(services.dynamoDb, await services.table(), clock);
  await pipeline.aggregateNew('2', { ledger });
  assert.equal(await counted(), 44, 'this is why the runbook asks for the time');
});

/** A time later than every arrival so far. After a split, an emulator stamps arrivals up to a second ahead of the clock. */
async function afterArrivals({
  shardIds,
  recordsOf,
}: Pick<Awaited<ReturnType<typeof start>>, 'shardIds' | 'recordsOf'>): Promise<number> {
  const records = await Promise.all((await shardIds()).map(recordsOf));
  const latestMs = Math.max(...records.flat().map(({ arrivalMs }) => arrivalMs));
  while (Date.now() <= latestMs) await new Promise((resolve) => setImmediate(resolve));
  return latestMs + 1;
}
