// The ledger on a real table: its conditional writes, its order, its large items.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteItemCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { addAccounts } from '../../lambdas/core/accounts.ts';
import { EMPTY_CHECKPOINT, moveForward } from '../../lambdas/core/checkpoint.ts';
import { rangeOf } from '../../lambdas/core/hash-range.ts';
import {
  parseSequenceNumber,
  parseShardKey,
  type ShardKey,
  segmentId,
} from '../../lambdas/core/identifiers.ts';
import { rollUp } from '../../lambdas/core/rollup.ts';
import { isSamePlan, planSegment } from '../../lambdas/core/segment.ts';
import {
  emittedEntry,
  lostEntry,
  MissingLedgerItem,
  type SegmentEntry,
} from '../../lambdas/core/segment-entry.ts';
import { NO_WATERMARK, raisedWatermark } from '../../lambdas/core/watermark.ts';
import { checkpointItem, IDS_CHUNK_BYTES, ledgerKeys } from '../../lambdas/ledger/ledger-items.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const table = await services.table();
const ledger = new LedgerTable(services.dynamoDb, table, { nowMs: () => ARRIVAL_MS }, 86_400_000);

let shards = 0;
const newShard = () => parseShardKey(`1.${(shards++).toString(36)}`);
const plan = planSegment(undefined, [record(1, { id: 'a' }), record(2, { n: -1 })], CONFIG, []);
const sent = { ...plan, status: 'sent' as const };

function entryOf(segment: number, parts = 1): SegmentEntry {
  const output = rollUp([record(segment, { id: `${segment}` })], { seen: () => false }, CONFIG);
  const entry = emittedEntry({ ...plan, segment }, output, 100);
  return {
    ...entry,
    parts: Array.from({ length: parts }, (_, part) => ({ events: 1, range: rangeOf((part << 30) >>> 0, 2) })),
  };
}
const entries = (from: AsyncIterable<SegmentEntry>) => Array.fromAsync(from, ({ segment }) => segment);

test('a head reads back as it was planned, with its optional settings and its ancestors', async () => {
  const shard = newShard();
  assert.equal(await ledger.readHead(shard), undefined);
  const ancestors = [{ shard: parseShardKey('1.9'), segment: 3, runMaxMs: 5 }];
  for (const acceptPastMs of [undefined, 86_400_000]) {
    const own = newShard();
    const planned = { ...plan, ancestors, config: { ...CONFIG, acceptPastMs } };
    assert.equal(await ledger.putPlan(own, planned), 'planned');
    const head = await ledger.readHead(own);
    assert.deepEqual(head, planned);
    assert.ok(head && isSamePlan(head, planned));
  }
});

test('a plan is put only if the head is the previous segment, sent', async () => {
  const shard = newShard();
  const second = planSegment(sent, [record(3, {})], CONFIG, []);
  assert.equal(await ledger.putPlan(shard, second), 'conflict', 'nothing there');
  assert.equal(await ledger.putPlan(shard, plan), 'planned');
  assert.equal(await ledger.putPlan(shard, plan), 'conflict', 'the same plan again');
  assert.equal(await ledger.putPlan(shard, second), 'conflict', 'not sent yet');
  await ledger.markSent(shard, sent);
  assert.equal(await ledger.putPlan(shard, second), 'planned');
  assert.deepEqual(await ledger.readHead(shard), second);
});

test('marking sent happens once, and never reverts a later head', async () => {
  const shard = newShard();
  await ledger.putPlan(shard, plan);
  const accounts = { received: 2, duplicate: 0, rejected: { 'not-json': 1 }, emitted: 1, lost: 0 } as const;
  const totals = addAccounts(plan.totals, accounts);
  await ledger.markSent(shard, { ...sent, totals });
  await ledger.markSent(shard, { ...sent, totals: addAccounts(totals, accounts) });
  assert.deepEqual((await ledger.readHead(shard))?.totals, totals);
  const second = planSegment({ ...sent, totals }, [record(3, {})], CONFIG, []);
  await ledger.putPlan(shard, second);
  await ledger.markSent(shard, sent);
  assert.deepEqual(await ledger.readHead(shard), second);
});

test('an entry is put once; a later attempt gets the existing one, with its acknowledgements', async () => {
  const shard = parseShardKey('1.first');
  const entry = { ...entryOf(1, 3), expiresAt: Math.floor(ARRIVAL_MS / 1000) + 86_400 };
  assert.equal(await ledger.putEntryIfAbsent(shard, entryOf(1, 3)), undefined);
  assert.deepEqual(
    await ledger.acknowledge(segmentId(shard, 1), [0, 2]),
    entry,
    'the entry as it was before',
  );
  assert.deepEqual((await ledger.acknowledge(segmentId(shard, 1), [2]))?.acked, new Set([0, 2]));
  const existing = await ledger.putEntryIfAbsent(shard, entryOf(1, 1));
  assert.deepEqual(existing, { ...entry, acked: new Set([0, 2]) });
});

test('places are noted, and a missing entry is not created', async () => {
  const shard = parseShardKey('1.places');
  const id = segmentId(shard, 1);
  assert.equal(await ledger.acknowledge(id, [0]), undefined);
  await ledger.notePlace(id, [0], 'dead');
  assert.equal(await ledger.noteExpired({ segment: id, part: 0 }, 5), 'no-entry');
  assert.deepEqual(await ledger.readEntries(shard, [1]), []);
  await ledger.putEntryIfAbsent(shard, entryOf(1, 3));
  const read = async () => (await ledger.readEntries(shard, [1]))[0];
  await ledger.notePlace(id, [0], 'dead');
  await ledger.notePlace(id, [1], 'dead');
  await ledger.notePlace(id, [1], 'parked');
  assert.deepEqual([(await read())?.dead, (await read())?.parked], [new Set([0]), new Set([1])]);
  await ledger.notePlace(id, [0], 'returned');
  await ledger.notePlace(id, [1], 'returned');
  assert.equal(await ledger.noteExpired({ segment: id, part: 2 }, 5), 'noted');
  assert.equal(await ledger.noteExpired({ segment: id, part: 2 }, 7), 'noted');
  await ledger.acknowledge(id, [2]);
  assert.equal(await ledger.noteExpired({ segment: id, part: 2 }, 9), 'acknowledged');
  const { dead, parked, expired } = (await read()) ?? {};
  assert.deepEqual([dead, parked, expired], [new Set(), new Set(), { 2: 7 }]);
});

test('a segment is marked lost with what is known of it', async () => {
  const shard = parseShardKey('1.lost');
  const nothingSent = await ledger.markLost(shard, lostEntry(plan));
  assert.deepEqual([nothingSent.lost, nothingSent.accounts.lost], [true, 2]);
  await ledger.putEntryIfAbsent(shard, entryOf(2));
  const someSent = await ledger.markLost(shard, lostEntry({ ...plan, segment: 2 }));
  assert.deepEqual([someSent.lost, someSent.accounts.emitted, someSent.accounts.lost], [true, 1, 0]);
  assert.deepEqual(await ledger.markLost(shard, lostEntry({ ...plan, segment: 2 })), someSent);
  assert.equal((await ledger.putEntryIfAbsent(shard, entryOf(2)))?.lost, true);
});

test('a few ids are kept in the entry itself, and read with those of its neighbours', async () => {
  const shard: ShardKey = newShard();
  const few = Uint8Array.from({ length: 24 }, (_, index) => index);
  const many = Uint8Array.from({ length: 400 }, (_, index) => index % 251);
  await ledger.putEntryIfAbsent(shard, { ...entryOf(1), idBytes: 400, ids: undefined });
  await ledger.putIds(shard, 1, many);
  await ledger.putEntryIfAbsent(shard, { ...entryOf(2), idBytes: 24, ids: few });
  const [stored] = await ledger.readEntries(shard, [2]);
  assert.deepEqual(stored?.ids, few);
  await ledger.acknowledge(segmentId(shard, 2), [0]);
  const entries = await Array.fromAsync(ledger.windowEntries(shard, 2, 1));
  assert.deepEqual(await ledger.readIds(shard, entries), [few, many]);
});

test('ids that exceed one item are kept in several; a missing one is an error', async () => {
  const shard: ShardKey = newShard();
  const ids = Uint8Array.from({ length: IDS_CHUNK_BYTES + 80 }, (_, index) => index % 251);
  await ledger.putIds(shard, 4, ids);
  await ledger.putIds(shard, 4, ids);
  const entry = { segment: 4, idBytes: ids.byteLength, runMaxMs: 0, runMaxBeforeMs: 0 };
  assert.deepEqual(await ledger.readIds(shard, [entry]), [ids]);
  assert.deepEqual(await ledger.readIds(shard, [{ ...entry, segment: 5, idBytes: 0 }]), [new Uint8Array()]);
  const Key = ledgerKeys.ids(shard, 4, 1);
  await services.dynamoDb.send(new DeleteItemCommand({ TableName: table, Key }));
  await assert.rejects(ledger.readIds(shard, [entry]), MissingLedgerItem);
});

test('entries come in the order of their numbers, over many pages', async () => {
  const shard = parseShardKey('1.order');
  const all = Array.from({ length: 450 }, (_, index) => index + 1);
  for (let at = 0; at < all.length; at += 10) {
    const some = all.slice(at, at + 10);
    await Promise.all(some.map((segment) => ledger.putEntryIfAbsent(shard, { ...entryOf(1), segment })));
  }
  assert.deepEqual(await entries(ledger.entriesUp(shard, 5, 449)), all.slice(5, 449));
  assert.deepEqual(await entries(ledger.entriesUp(shard, 449, 449)), []);
  const named = await ledger.readEntries(shard, [7, 300, 999]);
  assert.deepEqual(named.map(({ segment }) => segment).sort(), [300, 7]);
  assert.equal((await ledger.readEntries(shard, all.slice(0, 250))).length, 250);
});

test('checkpoints are put one revision after the other', async () => {
  const shard = newShard();
  assert.deepEqual(await ledger.readCheckpoint(shard), EMPTY_CHECKPOINT);
  const first = { ...EMPTY_CHECKPOINT, through: 5, open: [2, 3], revision: 1 };
  assert.equal(await ledger.putCheckpoint(shard, first), 'put');
  assert.equal(await ledger.putCheckpoint(shard, first), 'conflict');
  assert.equal(await ledger.putCheckpoint(shard, { ...first, revision: 3 }), 'conflict');
  assert.equal(await ledger.putCheckpoint(shard, { ...first, open: [], revision: 2 }), 'put');
  assert.deepEqual(await ledger.readCheckpoint(shard), { ...first, open: [], revision: 2 });
});

test('shards are listed once each, gaps are kept', async () => {
  const [a, b] = [parseShardKey('1.x1'), parseShardKey('1.x2')];
  await ledger.registerShard(a);
  await ledger.registerShard(b);
  await ledger.registerShard(a);
  assert.deepEqual((await ledger.shards()).filter((shard) => shard === a || shard === b).sort(), [a, b]);
  const gap = {
    after: parseSequenceNumber('12'),
    before: parseSequenceNumber('34'),
    noticedAtMs: ARRIVAL_MS,
  };
  await ledger.recordGap(a, gap);
  await ledger.recordGap(a, { ...gap, before: parseSequenceNumber('100') });
  await ledger.recordGap(a, gap);
  const Key = ledgerKeys.gap(a, gap.after);
  const { Item } = await services.dynamoDb.send(new GetItemCommand({ TableName: table, Key }));
  assert.equal(Item?.['before']?.S, '100'.padStart(56, '0'), 'it grows, and never shrinks');
});

test('a watermark is put one revision after the other; one from before there were revisions counts as none', async () => {
  const fresh = new LedgerTable(services.dynamoDb, await services.table(), { nowMs: () => ARRIVAL_MS });
  assert.deepEqual(await fresh.readWatermark(), NO_WATERMARK);
  const retentions = { hours: 30, days: 60, months: undefined, all: undefined };
  const settings = { retentions, acceptFutureMs: 10 };
  const seen = { throughMs: 2_000, acceptedFromMs: 1_000, acceptedToMs: 0 };
  const first = raisedWatermark(NO_WATERMARK, seen, settings, 5_000);
  assert.equal(await fresh.putWatermark(first), 'put');
  assert.equal(await fresh.putWatermark(first), 'conflict');
  assert.deepEqual(await fresh.readWatermark(), first);
  assert.equal(await fresh.putWatermark({ ...first, revision: 3 }), 'conflict');
  assert.equal(await fresh.putWatermark({ ...first, throughMs: 3_000, revision: 2 }), 'put');
  const Item = { ...ledgerKeys.watermark(), throughMs: { N: '9' } };
  await services.dynamoDb.send(new PutItemCommand({ TableName: table, Item }));
  assert.deepEqual(await ledger.readWatermark(), { ...NO_WATERMARK, throughMs: 9 });
  assert.equal(await ledger.putWatermark({ ...first, revision: 1 }), 'put');
});

test('entries and ids expire, but heads and what waits for an operator never do', async () => {
  const shard = parseShardKey('1.expiry');
  const expiresAt = async (Key: ReturnType<typeof ledgerKeys.head>) =>
    (await services.dynamoDb.send(new GetItemCommand({ TableName: table, Key }))).Item?.['expiresAt']?.N;
  const inADay = String(Math.floor(ARRIVAL_MS / 1000) + 86_400);
  await ledger.putPlan(shard, plan);
  for (const segment of [1, 2, 3]) await ledger.putEntryIfAbsent(shard, entryOf(segment));
  await ledger.putIds(shard, 1, new Uint8Array(8));
  await ledger.notePlace(segmentId(shard, 2), [0], 'dead');
  await ledger.notePlace(segmentId(shard, 3), [0], 'parked');
  assert.equal(await expiresAt(ledgerKeys.head(shard)), undefined);
  assert.equal(await expiresAt(ledgerKeys.entry(shard, 1)), inADay);
  assert.equal(await expiresAt(ledgerKeys.ids(shard, 1, 0)), inADay);
  assert.equal(await expiresAt(ledgerKeys.entry(shard, 2)), undefined, 'dead');
  assert.equal(await expiresAt(ledgerKeys.entry(shard, 3)), undefined, 'parked');
});

test('an entry is kept with the parts whose deltas are, until it is given its expiry again', async () => {
  const shard = newShard();
  const kept = async (segment: number) => {
    const [entry] = await ledger.readEntries(shard, [segment]);
    return entry && [entry.kept, entry.expiresAt];
  };
  const inADay = Math.floor(ARRIVAL_MS / 1000) + 86_400;
  for (const segment of [1, 2]) await ledger.putEntryIfAbsent(shard, entryOf(segment, 3));
  await ledger.keepEntry(segmentId(shard, 1), new Set([0]));
  await ledger.keepEntry(segmentId(shard, 1), new Set([2]));
  await ledger.keepEntry(segmentId(shard, 2), new Set());
  await ledger.keepEntry(segmentId(shard, 3), new Set([0]));
  assert.deepEqual(await kept(1), [new Set([0, 2]), undefined]);
  assert.deepEqual(await kept(2), [undefined, undefined]);
  assert.equal(await kept(3), undefined, 'a missing one is not created');
  for (const segment of [1, 3]) await ledger.expireEntry(segmentId(shard, segment), true);
  await ledger.expireEntry(segmentId(shard, 2), false);
  assert.deepEqual(await kept(1), [undefined, inADay]);
  assert.deepEqual(await kept(2), [undefined, inADay]);
  assert.equal(await kept(3), undefined);
  const forever = new LedgerTable(services.dynamoDb, table, { nowMs: () => ARRIVAL_MS });
  await forever.keepEntry(segmentId(shard, 1), new Set([1]));
  await forever.expireEntry(segmentId(shard, 1), true);
  assert.deepEqual(await kept(1), [undefined, undefined]);
});

test('the hours of a checkpoint come back as they were put; a checkpoint from before there were hours has none', async () => {
  const shard = newShard();
  const entries = [1, 2, 3].map((segment) => ({ ...entryOf(segment), acked: new Set([0]) }));
  const checkpoint = moveForward(EMPTY_CHECKPOINT, [], entries);
  assert.equal(checkpoint.hours?.accounts.length, 1);
  assert.equal(await ledger.putCheckpoint(shard, checkpoint), 'put');
  assert.deepEqual(await ledger.readCheckpoint(shard), checkpoint);
  const { hours: _, ...old } = checkpointItem(shard, { ...checkpoint, revision: 2 });
  await services.dynamoDb.send(new PutItemCommand({ TableName: table, Item: old }));
  assert.deepEqual(await ledger.readCheckpoint(shard), { ...checkpoint, hours: undefined, revision: 2 });
});
