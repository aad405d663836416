// A reader that takes longer over a page of the stream than its iterator lives, as a recount into other tables may.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { parseShardId } from '../../lambdas/core/identifiers.ts';

test('an iterator that has expired is replaced by one after the last record', async () => {
  const ShardId = 'shardId-000000000000';
  const starts: (string | undefined)[] = [];
  const pages = [
    { Records: [{ SequenceNumber: '1' }, { SequenceNumber: '2' }], NextShardIterator: 'old' },
    new ExpiredIteratorException({ message: 'Iterator expired', $metadata: {} }),
    { Records: [{ SequenceNumber: '3' }] },
  ];
  const send = async (command: unknown) => {
    if (command instanceof ListShardsCommand) return { Shards: [{ ShardId }] };
    if (command instanceof GetShardIteratorCommand) {
      starts.push(command.input.StartingSequenceNumber);
      return { ShardIterator: 'new' };
    }
    assert.ok(command instanceof GetRecordsCommand);
    const page = pages.shift();
    if (page instanceof Error) throw page;
    return page;
  };
  const log = new KinesisLog({ send } as never, 'stream');
  const read = await Array.fromAsync(log.readToEnd(parseShardId(ShardId), {}));
  assert.deepEqual(
    read.flat().map(({ sequenceNumber }) => sequenceNumber),
    ['1', '2', '3'],
  );
  assert.deepEqual(starts, [undefined, '2']);
});
