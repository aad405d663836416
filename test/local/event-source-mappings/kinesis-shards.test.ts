// The stream's mapping: splits and merges, checkpoints, pausing.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { InvocationOutcome } from '../../../local/functions/protocol.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { createStream, kinesis, numbers, put, start, untilShards } from '../support/kinesis-mapping.ts';
import { done, failed } from '../support/outcomes.ts';

const folder = temporaryFolder();

describe('shards', () => {
  test('children come after their parents have been processed to their end', async () => {
    const stream = await createStream(1);
    const before = numbers(20);
    await put(stream, before);
    await kinesis.call('SplitShard', {
      StreamName: stream,
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: (2n ** 127n).toString(),
    });
    await untilShards(stream, 3);
    const behind = numbers(20, 100);
    await put(stream, behind);
    let failures = 3;
    const shardsSeen: string[] = [];
    const { batches } = start(stream, { batchSize: 7 }, (_, event) => {
      const [record] = (event as { Records: [{ eventID: string }] }).Records;
      shardsSeen.push(String(record.eventID.split(':')[0]));
      failures -= 1;
      return failures >= 0 ? failed : done;
    });
    const handled = (seen: readonly (readonly string[])[]) => new Set(seen.flat());
    const all = await batches.until((seen) => handled(seen).size === 40);
    const firstChild = shardsSeen.findIndex((shard) => shard !== 'shardId-000000000000');
    assert.ok(shardsSeen.slice(firstChild).every((shard) => shard !== 'shardId-000000000000'));
    assert.deepEqual([...handled(all.slice(0, firstChild))], before);
    assert.equal(new Set(shardsSeen).size, 3);
  });

  test('are found when they appear, and merged ones wait for both parents', async () => {
    const stream = await createStream(2);
    const { batches } = start(stream, {}, () => done);
    await put(stream, numbers(10));
    await batches.until((seen) => seen.flat().length === 10);
    await kinesis.call('MergeShards', {
      StreamName: stream,
      ShardToMerge: 'shardId-000000000000',
      AdjacentShardToMerge: 'shardId-000000000001',
    });
    await untilShards(stream, 3);
    await put(stream, numbers(10, 10));
    const all = await batches.until((seen) => seen.flat().length === 20);
    assert.deepEqual(all.flat().slice(10), numbers(10, 10));
  });
});

describe('checkpoints', () => {
  test('let a new mapping continue where the last one stopped', async () => {
    const file = join(folder, 'go-on.json');
    const stream = await createStream();
    await put(stream, numbers(3));
    const first = start(stream, {}, () => done, file);
    await first.batches.atLeast(1);
    await first.mapping.stop(1_000);
    await put(stream, ['next']);
    const second = start(stream, {}, () => done, file);
    assert.deepEqual(await second.batches.atLeast(1), [['next']]);
    await second.mapping.stop(1_000);
    assert.match(await readFile(file, 'utf8'), /shardId-000000000000/);
  });

  for (const [name, text] of [
    ['lost', undefined],
    ['broken', '{"shardId-000000000000":'],
    [
      'of another stream',
      '{"shardId-000000000000":{"sequenceNumber":"49590338271490256608559692538361571095921575989136588898"}}',
    ],
  ] as const) {
    test(`${name}: everything is read again`, async () => {
      const file = join(folder, `${name}.json`);
      if (text !== undefined) await writeFile(file, text);
      const stream = await createStream();
      await put(stream, numbers(2));
      assert.deepEqual(await start(stream, {}, () => done, file).batches.atLeast(1), [numbers(2)]);
    });
  }

  test('do not pass a batch that was in progress when the mapping stopped', async () => {
    const file = join(folder, 'unfinished.json');
    const stream = await createStream();
    await put(stream, ['one']);
    const started = Promise.withResolvers<void>();
    const first = start(
      stream,
      {},
      () => {
        started.resolve();
        return new Promise<InvocationOutcome>(() => {});
      },
      file,
    );
    await started.promise;
    await first.mapping.stop(0);
    assert.deepEqual(await start(stream, {}, () => done, file).batches.atLeast(1), [['one']]);
  });
});

test('a paused mapping reads nothing, and continues when it is resumed', async () => {
  const stream = await createStream();
  const { mapping, batches } = start(stream, {}, () => done);
  await put(stream, ['before']);
  await batches.atLeast(1);
  await mapping.pause();
  await put(stream, ['while paused']);
  // Another mapping of the same stream reads the record, so this one could have.
  await start(stream, {}, () => done).batches.until((seen) => seen.flat().includes('while paused'));
  assert.deepEqual(batches.all, [['before']]);
  mapping.resume();
  assert.deepEqual(await batches.atLeast(2), [['before'], ['while paused']]);
});
