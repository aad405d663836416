// Shards that ended long ago: however many there were, the accountant finishes within its timeout, and epochs take what they may.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { EMPTY_CHECKPOINT } from '../../lambdas/core/checkpoint.ts';
import { nextCoverage } from '../../lambdas/core/compaction.ts';
import { asAncestor } from '../../lambdas/core/generation.ts';
import { shardKey } from '../../lambdas/core/identifiers.ts';
import { type Ancestor, planSegment } from '../../lambdas/core/segment.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { takingTime } from '../support/disturbed.ts';
import { entry } from '../support/entries.ts';
import { ledgerInMemory } from '../support/ledger-in-memory.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';
import { worldShard } from '../support/store-world.ts';

/** DynamoDB's time for one call, from a function of 256 MB. */
const CALL_MS = 5;
/** lib/accountant.ts, and the reserve in its handler. */
const [TIMEOUT_MS, RESERVE_MS] = [60_000, 20_000];

test('the accountant publishes completeThrough within its timeout though the stream was resharded daily for two years', async () => {
  const SHARDS = 6 * 730;
  const { clock, ledger: set, ledgerOver } = ledgerInMemory();
  let ancestors: readonly Ancestor[] = [];
  for (let number = 0; number < SHARDS; number += 1) {
    const key = shardKey('1', worldShard(number));
    clock.now += 4 * HOUR_MS;
    const plan = planSegment(undefined, [record(number + 1, {}, clock.now)], CONFIG, ancestors);
    await set.registerShard(key);
    await set.putPlan(key, plan);
    const { minArrivalMs, runMaxBeforeMs, runMaxMs } = plan;
    await set.putEntryIfAbsent(key, entry(1, [], { minArrivalMs, runMaxBeforeMs, runMaxMs }));
    await set.markSent(key, { ...plan, status: 'sent' });
    if (number < SHARDS - 1) await set.putCheckpoint(key, { ...EMPTY_CHECKPOINT, through: 1, revision: 1 });
    ancestors = [asAncestor(key, plan)];
  }
  const passed = takingTime(() => {
    clock.now += CALL_MS;
  });
  const ledger = ledgerOver(async (_call, perform) => {
    await passed();
    return perform();
  });
  const newest = worldShard(SHARDS - 1);
  const stream = { shards: async () => [{ shard: newest, parents: [worldShard(SHARDS - 2)] }] };
  const beganMs = clock.now;
  const throughMs = clock.now;
  await advanceCheckpoints(ledger, () => clock.now < beganMs + TIMEOUT_MS - RESERVE_MS);
  const published = await advanceWatermark(ledger, stream, '1', clock);
  assert.equal(published.throughMs, throughMs);
  const tookMs = clock.now - beganMs;
  assert.ok(
    tookMs < TIMEOUT_MS,
    `it takes ${tookMs / 1000} s with ${SHARDS} shards, and the function has 60 s`,
  );
});

test('a shard has its share of an epoch, whatever shards ended long ago', () => {
  const busy = Array.from({ length: 60 }, (_, index) =>
    entry(index + 1, [5_000], { acked: new Set([0]), runMaxMs: ARRIVAL_MS + index * 5_000 }),
  );
  const ended = Array.from({ length: 1_000 }, (_, index) => ({
    shard: shardKey('1', worldShard(index)),
    entries: [],
  }));
  const live = { shard: shardKey('1', worldShard(1_000)), entries: busy };
  const covered = {
    through: Object.fromEntries(ended.map(({ shard }) => [shard, 1])),
    open: [],
    floorMs: 0,
  };
  // 16 slots of 500,000 events: five minutes of 1,000 a second are a small epoch.
  const { through } = nextCoverage(covered, [], [...ended, live], ARRIVAL_MS + DAY_MS, 16 * 500_000);
  assert.equal(through[live.shard], 60);
});
