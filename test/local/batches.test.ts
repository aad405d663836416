// Batches against Tally on the local stack: retries change nothing, on any number of shards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TallyClient } from '../../client/src/index.ts';
import { createAwsJsonClient } from '../../local/emulators/aws-json.ts';
import { recordAnswers } from '../support/answer-recorder.ts';
import { settled, startTestStack } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

const { fetch } = recordAnswers();
const stack = await startTestStack();
const kinesis = createAwsJsonClient('kinesis', stack.endpoints.kinesis);

const eventsOf = (entity: string, count: number) =>
  Array.from({ length: count }, () => ({ metric: 'view', entity, at: '2026-11-20T05:07:59Z' }));

async function post(body: object) {
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const answer = await fetch(`${stack.url}/v1/events`, init);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function send(batch: string, events: readonly object[]): Promise<void> {
  assert.deepEqual(await post({ batch, events }), { status: 202, body: { accepted: 1 } });
}

async function totalOf(entity: string, metric = 'view'): Promise<unknown> {
  const answer = await fetch(`${stack.url}/v1/counts/${metric}/${encodeURIComponent(entity)}?by=total`);
  return ((await answer.json()) as { total: unknown }).total;
}

interface Shard {
  readonly ShardId: string;
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string };
  readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string };
}

async function streamName(): Promise<string> {
  const { body } = await kinesis.send('ListStreams', '{}');
  return (JSON.parse(body) as { StreamNames: [string] }).StreamNames[0];
}

/** The open shards by their hash keys. */
async function openShards(): Promise<Shard[]> {
  const { body } = await kinesis.send('DescribeStream', JSON.stringify({ StreamName: await streamName() }));
  const { Shards } = (JSON.parse(body) as { StreamDescription: { Shards: Shard[] } }).StreamDescription;
  const start = ({ HashKeyRange }: Shard) => BigInt(HashKeyRange.StartingHashKey);
  return Shards.filter((each) => each.SequenceNumberRange.EndingSequenceNumber === undefined).sort((a, b) =>
    start(a) < start(b) ? -1 : 1,
  );
}

async function split({ ShardId, HashKeyRange }: Shard): Promise<void> {
  const { StartingHashKey, EndingHashKey } = HashKeyRange;
  const third = BigInt(StartingHashKey) + (BigInt(EndingHashKey) - BigInt(StartingHashKey)) / 3n;
  const request = {
    StreamName: await streamName(),
    ShardToSplit: ShardId,
    NewStartingHashKey: String(third),
  };
  assert.equal((await kinesis.send('SplitShard', JSON.stringify(request))).status, 200);
}

async function merge({ ShardId }: Shard, adjacent: Shard): Promise<void> {
  const AdjacentShardToMerge = adjacent.ShardId;
  const request = { StreamName: await streamName(), ShardToMerge: ShardId, AdjacentShardToMerge };
  assert.equal((await kinesis.send('MergeShards', JSON.stringify(request))).status, 200);
}

test('retried batches count once, across splits at odd places and a merge', patient, async () => {
  const { received } = await stack.status();
  const keys = Array.from({ length: 12 }, (_, index) => `batch ${index} "ü👍$`);
  const sendAll = async () => {
    for (const key of keys) await send(key, eventsOf('/again', 10));
  };
  await Promise.all([sendAll(), sendAll()]);
  for (const shard of await openShards()) await split(shard);
  await sendAll();
  const [, second, third] = await openShards();
  assert.ok(second && third);
  await merge(second, third);
  await sendAll();
  const status = await settled(stack, received + 480);
  assert.equal(status.duplicate, 360);
  assert.equal(await totalOf('/again'), 120);
});

test('an id counts once in each metric and entity, also within a batch', patient, async () => {
  const { received, duplicate } = await stack.status();
  const order = { id: 'order-1', entity: '/shop', at: '2026-11-20T05:07:59Z' };
  const events = ['purchases', 'items', 'items'].map((metric) => ({ ...order, metric }));
  await send('order', events);
  assert.equal((await post({ events: [{ ...order, metric: 'purchases', entity: '/other' }] })).status, 202);
  assert.equal((await settled(stack, received + 4)).duplicate, duplicate + 1);
  assert.deepEqual([await totalOf('/shop', 'purchases'), await totalOf('/shop', 'items')], [1, 1]);
});

test('an event that cannot be counted is rejected alone, a malformed batch as a whole', patient, async () => {
  const before = await stack.status();
  // Past the front door, which would refuse most of them.
  const bad = [
    { metric: 'a b', entity: '/x' },
    null,
    { metric: 'view', entity: '/x', at: '2026-02-30T00:00Z' },
    [],
  ];
  const records = [
    [1, 'mixed', [...bad, ...eventsOf('/neighbours', 30)]],
    eventsOf('/neighbours', 2),
    [2, 'of a later version', eventsOf('/neighbours', 2)],
  ];
  const Records = records.map((record) => ({
    Data: Buffer.from(JSON.stringify(record)).toString('base64'),
    PartitionKey: 'x',
  }));
  await kinesis.send('PutRecords', JSON.stringify({ StreamName: await streamName(), Records }));
  const status = await settled(stack, before.received + 36);
  assert.equal(status.rejected - before.rejected, 6);
  assert.equal(await totalOf('/neighbours'), 30);
});

test('more events than a segment holds come in batches, each whole in one segment', patient, async () => {
  const before = await stack.status();
  const events = Array(9_000).fill({ metric: 'view', entity: '/many' });
  const Records = Array.from({ length: 10 }, (_, index) => ({
    Data: Buffer.from(JSON.stringify([1, `many-${index}`, events])).toString('base64'),
    PartitionKey: 'x',
  }));
  await kinesis.send('PutRecords', JSON.stringify({ StreamName: await streamName(), Records }));
  const status = await settled(stack, before.received + 90_000);
  assert.equal(status.counted - before.counted, 90_000);
  assert.equal(await totalOf('/many'), 90_000);
});

test('what is too large for a record is cut by the client', patient, async () => {
  const { received } = await stack.status();
  const entity = '👍'.repeat(511);
  const { status, body } = await post({ batch: 'large', events: eventsOf(entity, 500) });
  assert.deepEqual([status, /1 MiB of a batch/.test(String(body['message']))], [413, true]);
  const client = new TallyClient({ url: stack.url });
  assert.equal((await client.sendBatch('large', eventsOf(entity, 500))).accepted, 500);
  await settled(stack, received + 500);
  assert.equal(await totalOf(entity), 500);
});
