// A dedup window on a real table: hundreds of segments, several pages of entries and of ids, in few requests.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { BatchWriteItemCommand, DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { parseShardKey, type ShardKey } from '../../lambdas/core/identifiers.ts';
import { hashEventId } from '../../lambdas/core/seen-ids.ts';
import { planSegment } from '../../lambdas/core/segment.ts';
import { lostEntry, MissingLedgerItem, type WindowEntry } from '../../lambdas/core/segment-entry.ts';
import { entryItem, IDS_CHUNK_BYTES, ledgerKeys } from '../../lambdas/ledger/ledger-items.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { onlyLong } from '../support/long.ts';
import { packIds } from '../support/packed-ids.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const table = await services.table();
const plan = planSegment(undefined, [record(1, { id: 'a' })], CONFIG, []);

const SEGMENTS = 8_640;

/** A client that counts its requests, and how many are under way at once. */
const client = services.dynamoDb;
const requests = { sent: 0, open: 0, most: 0 };
client.middlewareStack.add((next) => async (args) => {
  requests.sent += 1;
  requests.open += 1;
  requests.most = Math.max(requests.most, requests.open);
  try {
    return await next(args);
  } finally {
    requests.open -= 1;
  }
});
const ledger = new LedgerTable(client, table, { nowMs: () => ARRIVAL_MS });

/** Packed ids of a segment: the given ones first, then as many others as fill 8 × `count` bytes. */
function idsOf(segment: number, count: number): Uint8Array {
  return packIds(Array.from({ length: count }, (_, index) => `${segment}/${index}`));
}

async function hold(shard: ShardKey, segments: number, idsEach: number): Promise<WindowEntry[]> {
  const entries = Array.from({ length: segments }, (_, index) => ({
    ...lostEntry({ ...plan, segment: index + 1 }),
    lost: false,
    // Every seventh has none, as a segment of rejected events has.
    idBytes: (index + 1) % 7 === 0 ? 0 : idsEach * 8,
    runMaxMs: ARRIVAL_MS + (index + 1) * 1000,
    runMaxBeforeMs: index === 0 ? 0 : ARRIVAL_MS + index * 1000,
  }));
  for (let at = 0; at < entries.length; at += 12) {
    const puts = entries.slice(at, at + 12).flatMap((entry) => {
      const Item = entryItem(shard, entry, undefined);
      if (entry.idBytes === 0) return [{ PutRequest: { Item } }];
      const ids = { B: idsOf(entry.segment, idsEach) };
      const idItem = { ...ledgerKeys.ids(shard, entry.segment, 0), ids };
      return [{ PutRequest: { Item } }, { PutRequest: { Item: idItem } }];
    });
    await services.dynamoDb.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
  }
  return entries;
}

const slow =
  process.env['TALLY_CONTRACT_ENDPOINTS'] === 'moto'
    ? 'moto reads the whole partition for each page: 17 MB of ids take it over a minute'
    : services.embedded && onlyLong.skip;

test('a cold window of 8,640 segments, half a day of five seconds each: every id, in few requests, few at a time', {
  skip: slow,
}, async () => {
  const shard = parseShardKey('1.long');
  // 17 MB of ids: more stretches than are read at once, each of several pages.
  await hold(shard, SEGMENTS, 300);
  Object.assign(requests, { sent: 0, open: 0, most: 0 });
  const sinceMs = ARRIVAL_MS + 11_000;
  const view = await new DedupWindows().before(
    shard,
    {
      segment: SEGMENTS + 1,
      minArrivalMs: sinceMs + CONFIG.dedupWindowMs,
      runMaxBeforeMs: ARRIVAL_MS + SEGMENTS * 1000,
      config: CONFIG,
      ancestors: [],
    },
    ledger,
  );
  assert.ok(requests.sent <= 40, `${requests.sent} requests`);
  assert.ok(requests.most > 1 && requests.most <= 4, `${requests.most} at once`);
  const id = { high: 0, low: 0 };
  const seen = (text: string) => {
    hashEventId(text, id);
    return view.seen(id);
  };
  for (let segment = 1; segment <= SEGMENTS; segment += 1) {
    const inside = segment >= 11 && segment % 7 !== 0;
    for (const index of [0, 150, 299]) assert.equal(seen(`${segment}/${index}`), inside, `${segment}`);
  }
});

test('ids are read in the order of their entries, whichever way these go, across powers of ten', async () => {
  const shard = parseShardKey('1.order');
  const entries = await hold(shard, 130, 2);
  const some = entries.slice(5, 125);
  for (const asked of [some, some.toReversed()]) {
    const read = await ledger.readIds(shard, asked);
    assert.deepEqual(
      read,
      asked.map(({ segment, idBytes }) => (idBytes === 0 ? new Uint8Array() : idsOf(segment, 2))),
    );
  }
});

test('entries for a window come latest first, from one number down to another', async () => {
  const shard = parseShardKey('1.down');
  await hold(shard, 450, 1);
  const numbers: number[] = [];
  for await (const { segment, runMaxMs, runMaxBeforeMs, idBytes } of ledger.windowEntries(shard, 440, 7)) {
    numbers.push(segment);
    assert.deepEqual(
      [runMaxMs - runMaxBeforeMs, idBytes],
      [1_000, segment % 7 === 0 ? 0 : 8],
      `segment ${segment}`,
    );
  }
  assert.deepEqual(
    numbers,
    Array.from({ length: 434 }, (_, index) => 440 - index),
  );
});

test('ids that are missing, short or in several chunks', async () => {
  const shard = parseShardKey('1.chunks');
  const [first, second, third] = (await hold(shard, 3, 5)) as [WindowEntry, WindowEntry, WindowEntry];
  const large = Uint8Array.from({ length: 11 * IDS_CHUNK_BYTES + 80 }, (_, index) => index % 251);
  await ledger.putIds(shard, 2, large);
  const many = { ...second, idBytes: large.byteLength };
  // Compared by their hashes: the difference between large arrays takes gigabytes to print.
  const hashes = (ids: readonly Uint8Array[]) => ids.map((bytes) => hash('sha256', bytes));
  assert.deepEqual(
    hashes(await ledger.readIds(shard, [first, many, third])),
    hashes([idsOf(1, 5), large, idsOf(3, 5)]),
  );
  const Item = { ...ledgerKeys.ids(shard, 3, 0), ids: { B: new Uint8Array(8) } };
  await services.dynamoDb.send(new PutItemCommand({ TableName: table, Item }));
  await assert.rejects(ledger.readIds(shard, [first, many, third]), /ids of segment 3 of shard 1\.chunks/);
  const Key = ledgerKeys.ids(shard, 2, 10);
  await services.dynamoDb.send(new DeleteItemCommand({ TableName: table, Key }));
  await assert.rejects(ledger.readIds(shard, [many]), MissingLedgerItem);
});
