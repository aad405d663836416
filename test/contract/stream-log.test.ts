// The stream as a log: ranges read again, closed shards read to their ends, parents found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DescribeStreamCommand,
  PutRecordCommand,
  PutRecordsCommand,
  type Shard,
} from '@aws-sdk/client-kinesis';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { parseSequenceNumber, parseShardId } from '../../lambdas/core/identifiers.ts';
import type { StreamRecord } from '../../lambdas/core/segment.ts';
import { patient } from '../support/patience.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();

async function shardsOf(StreamName: string): Promise<Shard[]> {
  const { StreamDescription } = await services.kinesis.send(new DescribeStreamCommand({ StreamName }));
  return StreamDescription?.Shards ?? [];
}
async function put(StreamName: string, count: number): Promise<string[]> {
  const sequenceNumbers: string[] = [];
  for (let at = 0; at < count; at += 500) {
    const Records = Array.from({ length: Math.min(500, count - at) }, (_, index) => ({
      PartitionKey: `${at + index}`,
      Data: Buffer.from(JSON.stringify({ metric: 'view', entity: `/${at + index}` })),
    }));
    const answer = await services.kinesis.send(new PutRecordsCommand({ StreamName, Records }));
    sequenceNumbers.push(...(answer.Records ?? []).map(({ SequenceNumber }) => SequenceNumber ?? ''));
  }
  return sequenceNumbers;
}
const all = async (batches: AsyncIterable<readonly StreamRecord[]>) =>
  (await Array.fromAsync(batches)).flat().map(({ sequenceNumber }) => sequenceNumber);
const shard0 = parseShardId('shardId-000000000000');

test('a range is read again exactly, also over a page of ten thousand records', async () => {
  const stream = await services.stream(1);
  const log = new KinesisLog(services.kinesis, stream);
  const sent = (await put(stream, 10_500)).map(parseSequenceNumber);
  const [first, last] = [sent[10], sent[10_400]];
  assert.ok(first && last);
  const range = await log.readRange(shard0, first, last);
  assert.equal(range.trimmed, false);
  assert.deepEqual(
    range.records.map(({ sequenceNumber }) => sequenceNumber),
    sent.slice(10, 10_401),
  );
  const [event] = range.records[0]?.events ?? [];
  assert.ok(event && 'entity' in event);
  assert.equal(event.entity, '/10');
  assert.ok(Math.abs((range.records[0]?.arrivalMs ?? 0) - Date.now()) < 600_000);
});

test('a trimmed range is distinguished from one that was never complete', async () => {
  const stream = await services.stream(1);
  const log = new KinesisLog(services.kinesis, stream);
  const [sequenceNumber] = await put(stream, 1);
  const only = parseSequenceNumber(sequenceNumber ?? '');
  const gone = await log.readRange(parseShardId('shardId-000000000007'), only, only);
  assert.deepEqual(gone, { records: [], trimmed: true });
  const whole = await log.readRange(shard0, only, only);
  assert.deepEqual([whole.records.length, whole.trimmed], [1, false]);
  assert.equal(await log.holds(parseShardId('shardId-000000000007'), only, 1), false);
  assert.equal(await log.holds(shard0, only, 1), true);
});

test('parents are found, closed shards are read to their ends', async () => {
  const stream = await services.stream(1);
  const log = new KinesisLog(services.kinesis, stream);
  const sent = await put(stream, 700);
  await services.split(stream, shard0);
  assert.deepEqual(await all(log.readToEnd(shard0, {})), sent);
  const after = parseSequenceNumber(sent[599] ?? '');
  assert.deepEqual(await all(log.readToEnd(shard0, { after })), sent.slice(600));
  const [, left, right] = (await shardsOf(stream)).map(({ ShardId }) => parseShardId(ShardId ?? ''));
  assert.ok(left && right);
  assert.deepEqual([await log.parentsOf(shard0), await log.parentsOf(left)], [[], [shard0]]);
  await services.merge(stream, left, right);
  const merged = (await shardsOf(stream)).find(
    ({ AdjacentParentShardId }) => AdjacentParentShardId !== undefined,
  );
  const parents = await log.parentsOf(parseShardId(merged?.ShardId ?? ''));
  assert.deepEqual([...parents].sort(), [left, right].sort());
});

test('a shard that the stream no longer lists holds nothing and has no parents', async () => {
  const stream = await services.stream(1);
  await services.kinesis.send(
    new PutRecordCommand({ StreamName: stream, PartitionKey: 'a', Data: Buffer.from('{}') }),
  );
  const log = new KinesisLog(services.kinesis, stream);
  const gone = parseShardId('shardId-000000000042');
  assert.deepEqual([await all(log.readToEnd(gone, {})), await log.parentsOf(gone)], [[], []]);
});

test('unread events are counted one by one, from any record on', async () => {
  const stream = await services.stream(1);
  // However long a busy machine takes.
  const log = new KinesisLog(services.kinesis, stream, patient.timeout);
  assert.deepEqual(await log.countFrom(shard0, {}), { events: 0, sinceMs: undefined, isAll: true });
  const sent = await put(stream, 10_020);
  const whole = await log.countFrom(shard0, {});
  const behind = (index: number) =>
    log.countFrom(shard0, { after: parseSequenceNumber(sent.at(index) ?? '') });
  // One read returns at most ten thousand records, and reports it.
  assert.deepEqual([whole.events, whole.isAll], [10_000, false]);
  assert.equal((await behind(19)).events, 10_000);
  assert.ok(Math.abs((whole.sinceMs ?? 0) - Date.now()) < 600_000);
  assert.equal((await behind(10_016)).events, 3);
  assert.equal((await behind(-1)).events, 0);
});
