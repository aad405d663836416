// What a rebuild could not count: it is named in every run, also once its records can be read again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archiveHistory, ledgerHistory } from '../../cli/recount/history.ts';
import { play } from '../../cli/recount/rebuild.ts';
import type { StackAccess } from '../../cli/shared/stack-access.ts';
import { openStore } from '../../cli/shared/store-access.ts';
import { FakeAws } from '../../fake-aws/aws.ts';
import { S3RawArchive } from '../../lambdas/aws/raw-archive.ts';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { parseSequenceNumber, type SegmentId, type ShardKey } from '../../lambdas/core/identifiers.ts';
import { rawObject } from '../../lambdas/core/raw-segment.ts';
import type { StreamRecord } from '../../lambdas/core/segment.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { S3ArchiveCleaner } from '../../lambdas/deletion/archive-cleaner.aws.ts';
import { ARRIVAL_MS, CONFIG, record, SHARD_KEY } from '../support/records.ts';

/** Tables to count into, a bucket and a stream. */
function emptyStack() {
  const time = { ms: ARRIVAL_MS };
  const aws = new FakeAws({ clock: { nowMs: () => time.ms }, kinesis: { retentionMs: DAY_MS } });
  for (const name of ['counts', 'ledger']) aws.dynamoDb.addTable(name, {});
  aws.s3.addBucket('archive');
  const { dynamoDb, kinesis, s3 } = aws.clients();
  const settings = { streamGeneration: '3', hashSlots: 4 };
  const resources = { countsTable: 'counts', ledgerTable: 'ledger', settings };
  const stack = { dynamoDb, kinesis, resources } as unknown as StackAccess;
  const to = openStore(stack, undefined, { generation: '3', stream: { shards: async () => [] } });
  const eventsIn = async () => {
    const entries = await Array.fromAsync(to.ledger.entriesUp('3.0' as ShardKey, 0, 1_000));
    return entries.reduce((sum, { accounts }) => sum + accounts.emitted, 0);
  };
  const runOn = (history: Parameters<typeof play>[1]) => play('3', history, to, () => {});
  return { aws, time, kinesis, s3, to, runOn, eventsIn };
}

/** The part of a ledger that a history reads, for a shard with these segments. */
function ledgerOf(
  segments: readonly (readonly Pick<StreamRecord, 'sequenceNumber'>[])[],
  lost: number[] = [],
) {
  const entries = segments.map((records, index) => ({
    ...{ segment: index + 1, records: records.length, config: CONFIG, lost: lost.includes(index + 1) },
    ...{ first: records[0]?.sequenceNumber, last: records.at(-1)?.sequenceNumber },
  }));
  return {
    shards: async () => [SHARD_KEY],
    readHead: async () => ({ status: 'sent', segment: segments.length, ancestors: [] }),
    readGenerations: async () => [],
    entriesUp: async function* () {
      yield* entries;
    },
  } as never;
}

const records = [1, 2, 3, 4, 5, 6].map((n) => record(n, { id: `${n}` }, ARRIVAL_MS + n));
const segments = [records.slice(0, 2), records.slice(2, 4), records.slice(4, 6)];

test('segments that the stream has trimmed, whole or in part, are named and not counted', async () => {
  const { aws, time, kinesis, runOn, eventsIn } = emptyStack();
  const stream = aws.kinesis.addStream('stream', 1);
  const sent = Array.from({ length: 6 }, (_, n) => {
    time.ms = ARRIVAL_MS + (n < 3 ? 0 : HOUR_MS);
    const data = Buffer.from(JSON.stringify({ id: `${n}`, metric: 'view', entity: '/a', at: time.ms }));
    const [, { sequenceNumber }] = stream.put(data, 'key');
    return { sequenceNumber: parseSequenceNumber(sequenceNumber) };
  });
  time.ms = ARRIVAL_MS + DAY_MS + HOUR_MS / 2;
  const log = new KinesisLog(kinesis, 'stream');
  const old = ledgerOf([sent.slice(0, 2), sent.slice(2, 4), sent.slice(4, 6)]);
  assert.deepEqual(await runOn(await ledgerHistory(old, log)), [
    'segment 1.0.1 was not counted again: trimmed',
    'segment 1.0.2 was not counted again: trimmed',
  ]);
  assert.equal(await eventsIn(), 2);
});

test('a second run names the lost segments that the first has named, and reads no counted one again', async () => {
  const { runOn, eventsIn } = emptyStack();
  const old = ledgerOf(segments, [2]);
  const read: number[] = [];
  const source = {
    segmentsOf: () => ({
      read: async ({ segment }: { readonly segment: number }) => {
        read.push(segment);
        return segments[segment - 1] ?? [];
      },
    }),
  };
  const history = await ledgerHistory(old, source);
  const left = await runOn(history);
  assert.deepEqual(left, ['segment 1.0.2 was not counted again: lost']);
  assert.deepEqual(await runOn(history), left);
  assert.deepEqual(read, [1, 3]);
  assert.equal(await eventsIn(), 4);
});

test('a segment that can be read again after later ones were counted is named', async () => {
  for (const from of ['archive', 'ledger']) {
    const { s3, runOn, eventsIn } = emptyStack();
    const bare = emptyStack().to.ledger;
    const archive = new S3RawArchive(s3, 'archive');
    const raws = segments.map((own, index) =>
      rawObject(`1.0.${index + 1}` as SegmentId, { ancestors: [], config: CONFIG }, own),
    );
    for (const raw of raws) await archive.keepRaw(raw);
    const second = raws[1];
    assert.ok(second !== undefined);
    await new S3ArchiveCleaner(s3, 'archive').remove(second.key);
    const first = await runOn(await archiveHistory(archive, bare));
    assert.deepEqual(first, ['segment 2 of shard 1.0 was not counted again: not in the archive']);
    await archive.keepRaw(second);
    const source = { segmentsOf: () => ({ read: async () => segments[1] ?? [] }) };
    const history =
      from === 'archive'
        ? await archiveHistory(archive, bare)
        : await ledgerHistory(ledgerOf(segments), source);
    assert.deepEqual(await runOn(history), [
      'segment 1.0.2 was not counted again: later ones were counted before it could be read: use another name',
    ]);
    assert.equal(await eventsIn(), 4);
  }
});

test('a parent that can be read again after its child was counted is named: the child lacks its ids', async () => {
  const { s3, runOn, eventsIn } = emptyStack();
  const bare = emptyStack().to.ledger;
  const archive = new S3RawArchive(s3, 'archive');
  const config = CONFIG;
  const parent = rawObject('1.1.1' as SegmentId, { ancestors: [], config }, records.slice(0, 2));
  const ancestors = [{ shard: '1.1' as ShardKey }] as never;
  await archive.keepRaw(rawObject('1.0.1' as SegmentId, { ancestors, config }, records.slice(2)));
  assert.deepEqual(await runOn(await archiveHistory(archive, bare)), []);
  await archive.keepRaw(parent);
  assert.deepEqual(await runOn(await archiveHistory(archive, bare)), [
    'segment 1.1.1 was not counted again: later ones were counted before it could be read: use another name',
  ]);
  assert.equal(await eventsIn(), 4);
});

/** An archive of two streams, each with a shard 0 that became shard 1. @param repeated the id of the last child's first event */
async function twoStreams(repeated = '15') {
  const stack = emptyStack();
  const archive = new S3RawArchive(stack.s3, 'archive');
  const put = (id: string, ancestors: readonly string[], ...given: readonly [n: number, id: string][]) => {
    const records = given.map(([n, id]) => record(n, { id }, ARRIVAL_MS + n * 1000));
    const named = ancestors.map((shard) => ({ shard: shard as ShardKey }));
    return archive.keepRaw(
      rawObject(id as SegmentId, { ancestors: named, config: CONFIG } as never, records),
    );
  };
  await put('1.0.1', [], [1, '1'], [2, '2']);
  await put('1.1.1', ['1.0'], [3, '3'], [4, '4']);
  await put('2.0.1', [], [11, '11'], [12, '12']);
  await put('2.0.2', [], [13, '13'], [14, '14']);
  await put('2.1.1', ['2.0'], [15, repeated], [16, '16']);
  const history = await archiveHistory(archive, { shards: async () => [] } as never);
  const events = async () => {
    let sum = 0;
    for (const shard of ['3.0', '3.1'] as ShardKey[])
      for await (const { accounts } of stack.to.ledger.entriesUp(shard, 0, 1_000)) sum += accounts.emitted;
    return sum;
  };
  return { ...stack, history, events };
}

const WARNING = 'ids that were repeated after the reshard before shard 2.1 may count twice';

test('two streams with the same shard ids: a rebuild that is killed anywhere counts all when it is resumed', async () => {
  for (const steps of [2, 3, 4, 5]) {
    const { history, to, runOn, events } = await twoStreams();
    let left = steps;
    const killed = play('3', history, to, () => {
      left -= 1;
      if (left === 0) throw new Error('killed');
    });
    await assert.rejects(killed, /killed/);
    assert.deepEqual(await runOn(history), [WARNING], `killed in step ${steps}`);
    assert.equal(await events(), 10, `killed in step ${steps}`);
  }
});

test('an id that was repeated across a reshard of the second stream counts twice in a rebuild, which says so', async () => {
  const { history, runOn, events } = await twoStreams('13');
  assert.deepEqual([await runOn(history), await events()], [[WARNING], 10]);
});
