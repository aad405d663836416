// Tables restored to a point in time, as the runbook says: what it does to counts, and what brings them back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AttributeValue,
  DeleteItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { auditsOf } from '../support/audits.ts';
import { startPipeline } from '../support/pipeline.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR = Date.UTC(2026, 10, 22, 5);
const RANGE = { fromMs: HOUR, toMs: HOUR + HOUR_MS };

type Item = Record<string, AttributeValue>;

async function itemsOf(TableName: string): Promise<Item[]> {
  return (await services.dynamoDb.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items ?? [];
}

/** Makes a table what it was, as copying a restored table back does. */
async function restore(TableName: string, backup: readonly Item[]): Promise<void> {
  for (const { pk, sk } of await itemsOf(TableName)) {
    if (pk === undefined || sk === undefined) throw new Error('an item without a key');
    await services.dynamoDb.send(new DeleteItemCommand({ TableName, Key: { pk, sk } }));
  }
  for (const Item of backup) await services.dynamoDb.send(new PutItemCommand({ TableName, Item }));
}

async function startCounting() {
  const pipeline = await startPipeline(services);
  let sent = 0;
  return {
    ...pipeline,
    /** Sends `events` events for `/a` and counts them. */
    async count(events: number, generation = '1'): Promise<void> {
      const batch = Array.from({ length: events }, () => ({ id: `id-${sent++}`, at: HOUR }));
      await pipeline.put(...batch);
      await pipeline.aggregateNew(generation);
      await pipeline.writeAll();
    },
    async counted(): Promise<bigint> {
      let total = 0n;
      for await (const { minutes } of pipeline.counters.items('view', '/a', RANGE.fromMs, RANGE.toMs)) {
        for (const n of minutes.values()) total += n;
      }
      return total;
    },
  };
}

test('counters restored to a point in time: the audit names what is missing, its repair brings it back, new events go on', async () => {
  const { count, counted, ...pipeline } = await startCounting();
  await count(10);
  const backup = await itemsOf(pipeline.counterTable);
  await count(5);
  await restore(pipeline.counterTable, backup);
  assert.equal(await counted(), 10n);
  await count(2);

  const audits = auditsOf(services, pipeline, RANGE);
  const found = await audits.run();
  assert.deepEqual(
    found.differences.map((difference) => [difference.kind, 'segment' in difference && difference.segment]),
    [['segment-missing', '1.0.2']],
  );
  await audits.run(true);
  assert.equal(await counted(), 17n);
  assert.deepEqual((await audits.run()).differences, []);
});

test('a ledger restored to a point in time gives numbers out again, and what they bring looks applied: counts are lost', async () => {
  const { count, counted, ledgerTable } = await startCounting();
  await count(10);
  const backup = await itemsOf(ledgerTable);
  await count(5);
  await restore(ledgerTable, backup);
  await count(2);
  assert.equal(await counted(), 15n, 'two are lost: this is why the runbook forbids it');
});

test('a restored ledger under a new generation: every event counts, once', async () => {
  const { count, counted, ledgerTable } = await startCounting();
  await count(10);
  const backup = await itemsOf(ledgerTable);
  await count(5);
  await restore(ledgerTable, backup);
  await count(2, '2');
  await count(1, '2');
  assert.equal(await counted(), 18n);
});
