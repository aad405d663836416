// A long read of a shard, such as a recount's: Kinesis refuses what goes beyond the shard's limit, more often than the SDK tries again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  ProvisionedThroughputExceededException,
} from '@aws-sdk/client-kinesis';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { parseSequenceNumber, parseShardId, shardKey } from '../../lambdas/core/identifiers.ts';

const ShardId = 'shardId-000000000000';
const SHARD = parseShardId(ShardId);
const refused = new ProvisionedThroughputExceededException({ message: 'Rate exceeded', $metadata: {} });

/** A shard of three records, a page each, with refusals before every page; and the pauses of its reader. */
function limited(refusals: number, refusalsMax?: number) {
  const pauses: number[] = [];
  let [record, left] = [0, refusals];
  const send = async (command: unknown) => {
    if (command instanceof ListShardsCommand) return { Shards: [{ ShardId }] };
    if (command instanceof GetShardIteratorCommand) return { ShardIterator: 'next' };
    assert.ok(command instanceof GetRecordsCommand);
    if (left > 0) {
      left -= 1;
      throw refused;
    }
    [record, left] = [record + 1, refusals];
    return {
      Records: [{ SequenceNumber: String(record) }],
      ...(record < 3 && { NextShardIterator: 'next' }),
    };
  };
  const pause = async (ms: number) => void pauses.push(ms);
  return { log: new KinesisLog({ send } as never, 'stream', undefined, pause, refusalsMax), pauses };
}

test('a refused page is asked for again, after the five seconds that a full page costs', async () => {
  const { log, pauses } = limited(6);
  const entry = { first: parseSequenceNumber('1'), last: parseSequenceNumber('3') };
  const read = await log.segmentsOf(shardKey('1', SHARD)).read(entry as never);
  assert.ok(typeof read !== 'string');
  assert.deepEqual(
    read.map(({ sequenceNumber }) => sequenceNumber),
    ['1', '2', '3'],
  );
  assert.equal(pauses.length, 3 * 6);
  assert.ok(pauses.slice(0, 6).reduce((sum, ms) => sum + ms, 0) > 5_000);
});

test('a shard that gives nothing at all is an error', async () => {
  const { log, pauses } = limited(Number.POSITIVE_INFINITY, 10);
  await assert.rejects(Array.fromAsync(log.readToEnd(SHARD, {})), refused);
  assert.equal(pauses.length, 10);
});
