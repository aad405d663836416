// Kinesis as Tally relies on it: order within a shard, pages, iterators, resharding, on every target.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  ResourceNotFoundException,
  type ShardIteratorType,
} from '@aws-sdk/client-kinesis';
import { startServices } from '../../support/services.ts';

const services = await startServices();
const { kinesis } = services;

const put = (StreamName: string, data: string, PartitionKey = data) =>
  kinesis.send(new PutRecordCommand({ StreamName, PartitionKey, Data: Buffer.from(data) }));
const shardsOf = async (StreamName: string) =>
  (await kinesis.send(new ListShardsCommand({ StreamName }))).Shards ?? [];

async function iterator(
  StreamName: string,
  ShardId: string,
  ShardIteratorType: ShardIteratorType,
  number?: string,
) {
  const input = { StreamName, ShardId, ShardIteratorType, StartingSequenceNumber: number };
  return (await kinesis.send(new GetShardIteratorCommand(input))).ShardIterator;
}

/** Data from an iterator on, until the tip or the end. @returns the data, and whether the shard ended */
async function readFrom(first: string | undefined, Limit?: number) {
  const data: string[] = [];
  let next = first;
  for (let page = 0; next !== undefined && page < 100; page += 1) {
    const answer = await kinesis.send(new GetRecordsCommand({ ShardIterator: next, Limit }));
    const records = answer.Records ?? [];
    data.push(...records.map(({ Data }) => new TextDecoder().decode(Data)));
    next = answer.NextShardIterator;
    if (records.length === 0 && answer.MillisBehindLatest === 0) break;
  }
  return { data, ended: next === undefined };
}

test(
  'records keep their order and get growing sequence numbers, and are read from a place on',
  services.where('sequence numbers have 56 digits'),
  async () => {
    const stream = await services.stream(1);
    const Records = Array.from({ length: 20 }, (_, at) => ({
      PartitionKey: `${at}`,
      Data: Buffer.from(`r${at}`),
    }));
    const answer = await kinesis.send(new PutRecordsCommand({ StreamName: stream, Records }));
    assert.equal(answer.FailedRecordCount ?? 0, 0);
    const numbers = (answer.Records ?? []).map(({ SequenceNumber = '' }) => SequenceNumber);
    for (const [at, number] of numbers.entries()) {
      assert.equal(number.length, 56);
      if (at > 0) assert.ok(BigInt(number) > BigInt(numbers[at - 1] ?? '0'));
    }
    const [{ ShardId = '' } = {}] = await shardsOf(stream);
    const all = Records.map((_, at) => `r${at}`);
    assert.deepEqual((await readFrom(await iterator(stream, ShardId, 'TRIM_HORIZON'), 7)).data, all);
    const at = await iterator(stream, ShardId, 'AT_SEQUENCE_NUMBER', numbers[5]);
    assert.deepEqual((await readFrom(at)).data, all.slice(5));
    const after = await iterator(stream, ShardId, 'AFTER_SEQUENCE_NUMBER', numbers[5]);
    assert.deepEqual((await readFrom(after)).data, all.slice(6));
    assert.deepEqual(await readFrom(await iterator(stream, ShardId, 'LATEST')), { data: [], ended: false });
  },
);

test('a missing stream, shard or record is an error', async () => {
  await assert.rejects(put('no-such-stream', 'x'), ResourceNotFoundException);
  const stream = await services.stream(1);
  await assert.rejects(iterator(stream, 'shardId-000000000099', 'TRIM_HORIZON'), ResourceNotFoundException);
});

test('a hash key finds its shard, also one that is given', async () => {
  const stream = await services.stream(4);
  const shards = await shardsOf(stream);
  const ranges = shards.map(({ HashKeyRange }) => [
    BigInt(HashKeyRange?.StartingHashKey ?? -1),
    BigInt(HashKeyRange?.EndingHashKey ?? -1),
  ]);
  assert.equal(ranges[0]?.[0], 0n);
  assert.equal(ranges.at(-1)?.[1], (1n << 128n) - 1n);
  // MD5("a") begins with 0c, MD5("d") with 82.
  assert.equal((await put(stream, 'a')).ShardId, shards[0]?.ShardId);
  assert.equal((await put(stream, 'd')).ShardId, shards[2]?.ShardId);
  const explicit = new PutRecordCommand({
    StreamName: stream,
    PartitionKey: 'a',
    ExplicitHashKey: String(ranges[3]?.[0]),
    Data: Buffer.from('x'),
  });
  assert.equal((await kinesis.send(explicit)).ShardId, shards[3]?.ShardId);
});

test(
  'a shard is split, the halves are merged, and parents stay known',
  services.where('records stay in the shard that took them'),
  async () => {
    const stream = await services.stream(1);
    await put(stream, 'before');
    const [{ ShardId: parent = '' } = {}] = await shardsOf(stream);
    await services.split(stream, parent);
    const children = (await shardsOf(stream)).filter(({ ParentShardId }) => ParentShardId === parent);
    assert.equal(children.length, 2);
    const [low, high] = children.map(({ ShardId = '' }) => ShardId);
    await put(stream, 'd');
    await services.merge(stream, low, high);
    const merged = (await shardsOf(stream)).find(
      ({ AdjacentParentShardId }) => AdjacentParentShardId !== undefined,
    );
    assert.deepEqual(new Set([merged?.ParentShardId, merged?.AdjacentParentShardId]), new Set([low, high]));
    const open = (await shardsOf(stream)).filter(
      ({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined,
    );
    assert.deepEqual(
      open.map(({ ShardId }) => ShardId),
      [merged?.ShardId],
    );
    assert.deepEqual((await readFrom(await iterator(stream, high ?? '', 'TRIM_HORIZON'))).data, ['d']);
    const { StreamDescription } = await kinesis.send(new DescribeStreamCommand({ StreamName: stream }));
    assert.equal(StreamDescription?.Shards?.length, 4);
  },
);

test(
  'a closed shard is read to its end',
  services.where('records stay in the shard that took them'),
  async () => {
    const stream = await services.stream(1);
    await put(stream, 'before');
    const [{ ShardId: parent = '' } = {}] = await shardsOf(stream);
    await services.split(stream, parent);
    assert.deepEqual(await readFrom(await iterator(stream, parent, 'TRIM_HORIZON')), {
      data: ['before'],
      ended: true,
    });
  },
);
