// Answers that AWS gives and the emulators never do: empty pages, failed entries, unprocessed keys, a trimmed start.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
} from '@aws-sdk/client-sqs';
import { MessagesNotSent, SqsRollupQueue } from '../../lambdas/aws/rollup-queue.ts';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { parseHashRange, WHOLE_RANGE } from '../../lambdas/core/hash-range.ts';
import { parseSequenceNumber, parseShardId, segmentId } from '../../lambdas/core/identifiers.ts';
import { planSegment } from '../../lambdas/core/segment.ts';
import { lostEntry } from '../../lambdas/core/segment-entry.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { ARRIVAL_MS, CONFIG, record, SHARD_KEY } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
/** External services cannot be made to answer like this. */
const options = { skip: !services.embedded && 'only in front of the embedded emulators' };
const SHARD = parseShardId('shardId-000000000000');
const CLOCK = { nowMs: () => ARRIVAL_MS };
const PERIOD = { level: 'hours', startMs: Date.UTC(2026, 10, 22, 5) } as const;

function json(body: unknown, status = 200) {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) };
}

/** A stream of one shard with five records. */
async function streamOfFive() {
  const StreamName = await services.stream(1);
  const Records = Array.from({ length: 5 }, (_, index) => ({
    PartitionKey: `${index}`,
    Data: Buffer.from('{}'),
  }));
  const answer = await services.kinesis.send(new PutRecordsCommand({ StreamName, Records }));
  const numbers = (answer.Records ?? []).map(({ SequenceNumber }) =>
    parseSequenceNumber(SequenceNumber ?? ''),
  );
  return { StreamName, numbers };
}

test('an empty page in the middle of a shard is not its end', options, async () => {
  const { StreamName, numbers } = await streamOfFive();
  let pages = 0;
  const client = await services.kinesisWith(({ action, body }) => {
    if (action !== 'GetRecords') return 'pass';
    pages += 1;
    const { ShardIterator } = JSON.parse(body) as { ShardIterator: string };
    return pages % 2 === 0
      ? 'pass'
      : json({ Records: [], MillisBehindLatest: 60_000, NextShardIterator: ShardIterator });
  });
  const log = new KinesisLog(client, StreamName);
  const [first, last] = [numbers[1], numbers[4]];
  assert.ok(first && last);
  const range = await log.readRange(SHARD, first, last);
  assert.deepEqual([range.records.length, range.trimmed], [4, false]);
  let read = 0;
  for await (const { length } of log.readToEnd(SHARD, {})) read += length;
  assert.equal(read, 5);
  assert.equal(await log.holds(SHARD, first, 1), true);
  assert.ok(pages > 3);
});

test('a trimmed start, which the stream refuses, is read from the horizon', options, async () => {
  const { StreamName, numbers } = await streamOfFive();
  const client = await services.kinesisWith(({ action, body }) => {
    if (action !== 'GetShardIterator' || body.includes('TRIM_HORIZON')) return 'pass';
    return json({ __type: 'InvalidArgumentException', message: 'StartingSequenceNumber is too old' }, 400);
  });
  const log = new KinesisLog(client, StreamName);
  const trimmed = parseSequenceNumber('1');
  const range = await log.readRange(SHARD, trimmed, numbers[1] ?? parseSequenceNumber('2'));
  assert.deepEqual([range.records.length, range.trimmed], [2, true]);
  assert.equal(await log.holds(SHARD, trimmed, 1), false);
});

/** A queue that first accepts only every other entry of a batch; `takes` false: nothing ever. */
async function pickyQueue(takes: boolean) {
  const QueueUrl = await services.queue();
  const asked: number[] = [];
  const client = await services.sqsWith(async ({ action, body }) => {
    if (action !== 'SendMessageBatch') return 'pass';
    const { Entries } = JSON.parse(body) as { Entries: SendMessageBatchRequestEntry[] };
    asked.push(Entries.length);
    const taken = takes ? Entries.filter((_, index) => index % 2 === 0) : [];
    const failed = Entries.filter((entry) => !taken.includes(entry));
    const { Successful = [] } =
      taken.length === 0
        ? {}
        : await services.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: taken }));
    const Failed = failed.map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false }));
    return json({ Successful, Failed });
  });
  return { QueueUrl, asked, queue: new SqsRollupQueue(client, QueueUrl) };
}
const messages = Array.from({ length: 5 }, (_, part) => ({
  segment: segmentId(SHARD_KEY, 1),
  parts: [part],
  body: `message ${part}`,
}));

test('of a batch answered with 200, only the failed entries are sent again', options, async () => {
  const { QueueUrl, asked, queue } = await pickyQueue(true);
  await queue.send(messages);
  assert.deepEqual(asked, [5, 2, 1]);
  const bodies: string[] = [];
  for (let more = true; more; ) {
    const { Messages = [] } = await services.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 60 }),
    );
    bodies.push(...Messages.map(({ Body }) => Body ?? ''));
    more = Messages.length > 0;
  }
  assert.deepEqual(bodies.sort(), messages.map(({ body }) => body).sort());
});

test('entries that are never accepted are an error', options, async () => {
  const { QueueUrl, queue } = await pickyQueue(false);
  await assert.rejects(queue.send(messages), MessagesNotSent);
  const { Attributes } = await services.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  assert.equal(Attributes?.['ApproximateNumberOfMessages'], '0');
});

test('unprocessed keys of a batch are requested again', options, async () => {
  const table = await services.table();
  let cuts = 0;
  const client = await services.dynamoDbWith(async ({ action, body }) => {
    if (action !== 'BatchGetItem') return 'pass';
    const { RequestItems } = JSON.parse(body) as { RequestItems: Record<string, { Keys: object[] }> };
    const Keys = RequestItems[table]?.Keys ?? [];
    if (Keys.length <= 1) return 'pass';
    cuts += 1;
    return json({ Responses: { [table]: [] }, UnprocessedKeys: { [table]: { Keys: Keys.slice(1) } } });
  });
  const direct = new LedgerTable(services.dynamoDb, table, CLOCK);
  const plan = planSegment(undefined, [record(1, { id: 'a' })], CONFIG, []);
  for (const segment of [1, 2, 3]) await direct.putEntryIfAbsent(SHARD_KEY, lostEntry({ ...plan, segment }));
  const ledger = new LedgerTable(client, table, CLOCK);
  // The first keys of each answer are dropped by the test itself; the last one has to come through.
  const entries = await ledger.readEntries(SHARD_KEY, [1, 2, 3]);
  assert.deepEqual([entries.map(({ segment }) => segment), cuts], [[3], 2]);
  const names = ['00', '01', '10'].map((range) => ({ period: PERIOD, range: parseHashRange(range) }));
  const store = new StoreTable(services.dynamoDb, table, CLOCK);
  for (const { range } of names) {
    await store.putBlock(PERIOD, range, { epoch: 1, edit: 0, content: 'split' }, { is: 'absent' }, undefined);
  }
  const blocks = await new StoreTable(client, table, CLOCK).readBlocks(names);
  assert.deepEqual([blocks.map((block) => block?.epoch), cuts], [[undefined, undefined, 1], 4]);
});

test(
  'everything that a decision or an answer depends on is read strongly consistently',
  options,
  async () => {
    const table = await services.table();
    const reads: string[] = [];
    const client = await services.dynamoDbWith(({ action, body }) => {
      if (/^(GetItem|Query|BatchGetItem)$/.test(action)) reads.push(`${action} ${body}`);
      return 'pass';
    });
    const ledger = new LedgerTable(client, table, CLOCK);
    const store = new StoreTable(client, table, CLOCK);
    await ledger.readHead(SHARD_KEY);
    await ledger.readCheckpoint(SHARD_KEY);
    await ledger.readWatermark();
    await ledger.shards();
    await ledger.readEntries(SHARD_KEY, [1]);
    for await (const _ of ledger.entriesUp(SHARD_KEY, 0, 3)) assert.fail('there are none');
    await new CompactionStateTable(client, table).readState();
    for await (const _ of store.deltasIn(WHOLE_RANGE, 0, ARRIVAL_MS)) assert.fail('there are none');
    for await (const _ of store.blocksOf(PERIOD)) assert.fail('there are none');
    for await (const _ of store.lateRows('days', WHOLE_RANGE, 0, 1)) assert.fail('there are none');
    await store.readBlocks([{ period: PERIOD, range: WHOLE_RANGE }]);
    await store.readTop('view', PERIOD);
    assert.equal(reads.length, 12);
    for (const read of reads) assert.match(read, /"ConsistentRead":true/);
  },
);
