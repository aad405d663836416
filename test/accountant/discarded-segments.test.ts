// Segments that an operator discarded are settled: however many there are, checkpoints and completeThrough go on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { addAccounts } from '../../lambdas/core/accounts.ts';
import { OPEN_SEGMENTS_MAX } from '../../lambdas/core/checkpoint.ts';
import { segmentId } from '../../lambdas/core/identifiers.ts';
import { conservationDifference } from '../../lambdas/core/pipeline-status.ts';
import { type Head, planSegment } from '../../lambdas/core/segment.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { entry } from '../support/entries.ts';
import { ledgerInMemory } from '../support/ledger-in-memory.ts';
import { CONFIG, record, SHARD, SHARD_KEY } from '../support/records.ts';

test('the accounts go on after more discarded segments than a checkpoint may have open', async () => {
  const { clock, ledger } = ledgerInMemory(60 * DAY_MS);
  await ledger.registerShard(SHARD_KEY);
  let head: Head | undefined;
  let position = 1;
  async function segment(outcome: 'acked' | 'discarded'): Promise<void> {
    const plan = planSegment(head, [record(position++, {}, clock.now)], CONFIG, []);
    await ledger.putPlan(SHARD_KEY, plan);
    const { minArrivalMs, runMaxBeforeMs, runMaxMs } = plan;
    const made = entry(plan.segment, [1], { minArrivalMs, runMaxBeforeMs, runMaxMs });
    await ledger.putEntryIfAbsent(SHARD_KEY, made);
    head = { ...plan, status: 'sent', totals: addAccounts(plan.totals, made.accounts) };
    await ledger.markSent(SHARD_KEY, head);
    const id = segmentId(SHARD_KEY, plan.segment);
    if (outcome === 'acked') await ledger.acknowledge(id, [0]);
    else await ledger.notePlace(id, [0], 'discarded');
  }
  const stream = { shards: async () => [{ shard: SHARD, parents: [] }] };
  for (let count = 0; count <= OPEN_SEGMENTS_MAX; count += 1) {
    clock.now += 5_000;
    await segment('discarded');
  }
  // Long enough for the ledger's entries to expire.
  for (let day = 0; day < 70; day += 1) {
    clock.now += DAY_MS;
    await segment('acked');
    await advanceCheckpoints(ledger, () => true);
    const { throughMs } = await advanceWatermark(ledger, stream, '1', clock);
    const difference = conservationDifference(await readStatus(ledger));
    assert.deepEqual(
      { day, isCurrent: clock.now - throughMs < HOUR_MS, difference },
      { day, isCurrent: true, difference: 0 },
    );
  }
});
