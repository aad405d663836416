// Both tables restored to one point in time, as the runbook has it: the stream gives again what came since.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AttributeValue,
  DeleteItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { compact } from '../../lambdas/compactor/compact.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import { clock, services, start } from './support/generations.ts';

const RETENTIONS = { hours: undefined, days: undefined, months: undefined, all: undefined };
const COMPACTION = {
  generation: '1',
  retentions: RETENTIONS,
  cadence: { hoursMs: 0 },
  slotBits: 2,
  blockBytes: 200,
  rangeEventsMax: 1_000_000,
  openMax: 100,
};

type Item = Record<string, AttributeValue>;

async function itemsOf(TableName: string): Promise<Item[]> {
  const { Items = [] } = await services.dynamoDb.send(new ScanCommand({ TableName, ConsistentRead: true }));
  return Items;
}

/** Makes a table what it was. */
async function restore(TableName: string, was: readonly Item[]): Promise<void> {
  for (const { pk, sk } of await itemsOf(TableName))
    await services.dynamoDb.send(new DeleteItemCommand({ TableName, Key: { pk, sk } as Item }));
  for (const Item of was) await services.dynamoDb.send(new PutItemCommand({ TableName, Item }));
}

for (const inFlight of [0, 10]) {
  test(`both tables restored, ${inFlight} events in flight then: a new generation counts what came since`, async () => {
    const pipeline = await start(2);
    const { put, ledger, state, store, log: stream, countsTable, ledgerTable } = pipeline;
    const compactNow = (generation: string) =>
      compact({ state, store, ledger, stream, clock }, { ...COMPACTION, generation }, () => true);
    const count = async (events: number) => {
      await put(events);
      await pipeline.aggregateNew('1');
      await pipeline.writeAll();
    };
    const total = async (parameters: Record<string, string> = {}) => {
      const query = parseCountQuery('view', '/a', parameters, clock.nowMs());
      const ports = { watermarks: ledger, state, counts: store, tops: store, hints: new Map(), clock };
      const [read] = await readCounts([query], ports, { acceptFutureMs: 0, retentions: RETENTIONS });
      return read !== undefined && 'answer' in read ? Number(read.answer.total) : read;
    };
    await count(30);
    await compactNow('1');
    await count(10);
    if (inFlight > 0) await put(inFlight);
    await pipeline.aggregateNew('1');
    const was = [await itemsOf(countsTable), await itemsOf(ledgerTable)] as const;

    await count(20);
    await pipeline.split();
    await count(7);
    await compactNow('1');
    await count(5);
    await compactNow('1');
    assert.equal(await total(), 72 + inFlight);

    await restore(countsTable, was[0]);
    await restore(ledgerTable, was[1]);
    assert.equal(await total(), 40);
    await put(3);
    // A mapping that was made again delivers everything from the oldest record.
    for (const shard of await pipeline.shardIds())
      await pipeline.aggregateShard(shard, await pipeline.recordsOf(shard), '2');
    await pipeline.writeAll();
    for (let rounds = 0; rounds < 3; rounds += 1) await compactNow('2');
    const minutes = { by: 'minute', from: '2026-11-22T00:00Z', to: '2026-11-23T00:00Z' };
    assert.deepEqual([await total(), await total(minutes)], [75, 75]);
    const { status, difference } = await pipeline.account('2');
    const { received, counted } = status;
    assert.deepEqual([received, counted, status.inFlight, difference], [75 + inFlight, 75, inFlight, 0]);
  });
}
