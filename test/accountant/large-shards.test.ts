// After a standstill many shards have thousands of entries. What waits for its turn must not outlast the time there is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { EMPTY_CHECKPOINT } from '../../lambdas/core/checkpoint.ts';
import { shardKey } from '../../lambdas/core/identifiers.ts';
import type { Head } from '../../lambdas/core/segment.ts';
import type { CheckpointLedger } from '../../lambdas/ports.ts';
import { takingTime } from '../support/disturbed.ts';
import { worldShard } from '../support/store-world.ts';

/** lib/accountant.ts, and the reserve in its handler. */
const [TIMEOUT_MS, RESERVE_MS] = [60_000, 20_000];
/** A thousand entries of 30 KB are thirty pages of a megabyte, one after another. */
const PAGES_MS = 30 * 80;

test('the accountant is through with the checkpoints in time, however many shards have many entries', async () => {
  let nowMs = 0;
  const pages = takingTime(() => {
    nowMs += PAGES_MS;
  });
  const nothing = async () => {
    await pages();
    return { done: true, value: undefined };
  };
  const head = { status: 'sent', segment: 17_280 } as Head;
  const ledger = {
    shards: async () => Array.from({ length: 64 }, (_, shard) => shardKey('1', worldShard(shard))),
    readCheckpoint: async () => EMPTY_CHECKPOINT,
    readHead: async () => head,
    readEntries: async () => [],
    entriesUp: () => ({ [Symbol.asyncIterator]: () => ({ next: nothing }) }),
  } as unknown as CheckpointLedger;
  await advanceCheckpoints(ledger, () => nowMs < TIMEOUT_MS - RESERVE_MS);
  assert.ok(nowMs < TIMEOUT_MS - RESERVE_MS / 2, `${nowMs / 1000} s`);
});
