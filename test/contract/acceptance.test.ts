// A raised acceptPastSeconds on real services: what was final stays final, on the shard, its children and in the next generation.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { shardKey } from '../../lambdas/core/identifiers.ts';
import type { RollupConfig } from '../../lambdas/core/segment.ts';
import { startPipeline } from '../support/pipeline.ts';
import { CONFIG } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR_MS = 3_600_000;
const DAY = { ...CONFIG, acceptPastMs: 24 * HOUR_MS };
const WEEK = { ...CONFIG, acceptPastMs: 7 * 24 * HOUR_MS };
const clock = { nowMs: () => Date.now() };

test('events older than an earlier boundary stay too old, however far the setting reaches now', async () => {
  const pipeline = await startPipeline(services, 1);
  const { ledger, log, stream: StreamName } = pipeline;
  let sent = 0;
  /** Sends an event with an age in hours, and has everything counted. @returns how many were rejected so far */
  const send = async (hoursAgo: number, rollup: RollupConfig, generation = '1'): Promise<number> => {
    const id = `id-${sent++}`;
    await pipeline.put({ id, at: Date.now() - hoursAgo * HOUR_MS });
    for (const shard of await pipeline.shardIds()) {
      const records = await pipeline.recordsOf(shard);
      await pipeline.aggregateShard(shard, records, generation, { rollup });
    }
    await pipeline.writeAll();
    return (await readStatus(ledger)).rejected;
  };
  const watermark = async (generation = '1') => {
    await advanceWatermark(ledger, log, generation, clock);
    return ledger.readWatermark();
  };

  assert.equal(await send(1, DAY), 0);
  assert.equal(await send(30, DAY), 1, 'too old');
  const before = await watermark();
  assert.equal(before.throughMs - before.acceptedFromMs, DAY.acceptPastMs);

  assert.equal(await send(30, WEEK), 2, 'still too old');
  assert.equal(await send(23, WEEK), 2);
  const raised = await watermark();
  assert.ok(raised.throughMs > before.throughMs);
  assert.ok(raised.acceptedFromMs >= before.acceptedFromMs, 'what was final is');
  const [shard] = await pipeline.shardIds();
  assert.ok(shard);
  assert.ok((await ledger.readHead(shardKey('1', shard)))?.config.acceptFromMs);

  await services.split(StreamName, shard);
  assert.equal(await send(30, WEEK), 3, 'on a child');
  assert.equal(await send(30, WEEK, '2'), 4, 'in the next generation');
  assert.equal(await send(22, WEEK, '2'), 4);
  assert.ok((await watermark('2')).acceptedFromMs >= raised.acceptedFromMs);

  const forever = { ...CONFIG, acceptPastMs: undefined };
  assert.equal(await send(300, forever, '2'), 5, 'forever does not reach back');
});

test('lowered while segments are in flight: what they accepted is not final before it is counted', async () => {
  const pipeline = await startPipeline(services, 1);
  const { ledger, log } = pipeline;
  const send = async (id: string, rollup: RollupConfig) => {
    await pipeline.put({ id, at: Date.now() });
    await pipeline.aggregateAll(rollup);
  };
  const watermark = async () => {
    await advanceWatermark(ledger, log, '1', clock);
    return ledger.readWatermark();
  };
  await send('a', WEEK);
  await pipeline.writeAll();
  // Sent, and not written: it may hold an event of six days ago.
  await send('b', WEEK);
  await send('c', DAY);
  const before = await watermark();
  assert.equal(before.throughMs - before.acceptedFromMs, WEEK.acceptPastMs);
  await pipeline.writeAll();
  const after = await watermark();
  assert.equal(after.throughMs - after.acceptedFromMs, DAY.acceptPastMs);
});
