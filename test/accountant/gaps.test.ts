// A gap is reported even if the run that recorded it never came to report it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../fake-aws/call.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { planSegment } from '../../lambdas/core/segment.ts';
import { HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { entry } from '../support/entries.ts';
import { ledgerInMemory } from '../support/ledger-in-memory.ts';
import { CONFIG, record, SHARD_KEY } from '../support/records.ts';
import { worldShard } from '../support/store-world.ts';

/** A ledger with a shard that the stream no longer lists, read to its first record. */
async function start() {
  const { clock, ledger, ledgerOver } = ledgerInMemory();
  const plan = planSegment(undefined, [record(1, {})], CONFIG, []);
  await ledger.registerShard(SHARD_KEY);
  await ledger.putPlan(SHARD_KEY, plan);
  await ledger.putEntryIfAbsent(SHARD_KEY, entry(1, []));
  await ledger.markSent(SHARD_KEY, { ...plan, status: 'sent' });
  const stream = { shards: async () => [{ shard: worldShard(7), parents: [] }] };
  async function run(transport?: Transport) {
    return (await advanceWatermark(ledgerOver(transport), stream, '1', clock)).gaps;
  }
  return { clock, run };
}

const names = (input: unknown, text: string) => JSON.stringify(input).includes(text);

test('a run that fails after it recorded a gap is followed by one that reports it; an old gap is not reported again', async () => {
  const { clock, run } = await start();
  const failing = run(async (call, effect) => {
    if (call.operation === 'PutItem' && names(call.input, 'COMPLETE_THROUGH')) throw new Error('throttled');
    return effect();
  });
  await assert.rejects(failing, /throttled/);
  clock.now += MINUTE_MS;
  assert.deepEqual(await run(), [SHARD_KEY]);
  clock.now += HOUR_MS;
  assert.deepEqual(await run(), []);
});

test('a gap whose answer was lost, so that the SDK repeats the put, is reported', async () => {
  const { run } = await start();
  const gaps = await run(async (call, effect) => {
    if (call.operation === 'PutItem' && names(call.input, 'GAP#')) effect();
    return effect();
  });
  assert.deepEqual(gaps, [SHARD_KEY]);
});
