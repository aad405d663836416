// After a standstill of the writer: what the accountant holds of thousands of unsettled segments fits into its memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { type Checkpoint, EMPTY_CHECKPOINT } from '../../lambdas/core/checkpoint.ts';
import { rangesOf } from '../../lambdas/core/hash-range.ts';
import { type ShardKey, shardKey } from '../../lambdas/core/identifiers.ts';
import { type Head, planSegment } from '../../lambdas/core/segment.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import { NO_WATERMARK } from '../../lambdas/core/watermark.ts';
import { entryItem, entryOf } from '../../lambdas/ledger/ledger-items.ts';
import type { CheckpointLedger } from '../../lambdas/ports.ts';
import { entry } from '../support/entries.ts';
import { collectGarbage } from '../support/garbage.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';
import { worldShard } from '../support/store-world.ts';

/** lib/accountant.ts; a third is for the runtime and the SDK. */
const [MEMORY_MB, ENTRIES_MB] = [256, 170];
const SHARDS = 16;
/** Three hours of a segment every five seconds. */
const SEGMENTS = 2_160;

const keys = Array.from({ length: SHARDS }, (_, number) => shardKey('1', worldShard(number)));

/** As the ledger's table gives it: a segment that the writer has made up for. */
function settled(slots: number): SegmentEntry {
  const ranges = rangesOf(Math.log2(slots));
  const parts = ranges.map((range) => ({ range, events: 40 }));
  const item = entryItem(keys[0] as ShardKey, entry(1, [], { parts }), undefined);
  return entryOf({ ...item, acked: { NS: [...ranges.keys()].map(String) } });
}

function bytesOfOne(slots: number): number {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const kept = Array.from({ length: 50 }, () => settled(slots));
  collectGarbage();
  return (process.memoryUsage().heapUsed - before) / kept.length;
}

/** A ledger after the standstill: the writer has caught up, the checkpoints have not. It counts what a shard's step still holds. */
function ledgerAfter(slots: number) {
  const one = settled(slots);
  const plan = planSegment(undefined, [record(1, {}, ARRIVAL_MS)], CONFIG, []);
  const head: Head = { ...plan, segment: SEGMENTS, status: 'sent' };
  const checkpoints = new Map<ShardKey, Checkpoint>();
  const held = new Map<ShardKey, number>();
  const peak = { entries: 0 };
  const give = (shard: ShardKey, segment: number): SegmentEntry => {
    held.set(shard, (held.get(shard) ?? 0) + 1);
    peak.entries = Math.max(
      peak.entries,
      held.values().reduce((sum, number) => sum + number, 0),
    );
    return { ...one, segment };
  };
  const ledger: CheckpointLedger = {
    shards: async () => keys,
    readHead: async () => head,
    readCheckpoint: async (shard) => {
      held.set(shard, 0);
      const open = Array.from({ length: 1_000 }, (_, index) => index + 1);
      return checkpoints.get(shard) ?? { ...EMPTY_CHECKPOINT, through: 1_000, open, revision: 1 };
    },
    putCheckpoint: async (shard, checkpoint) => {
      checkpoints.set(shard, checkpoint);
      held.set(shard, 0);
      return 'put';
    },
    async *entriesUp(shard, after, through) {
      for (let segment = after + 1; segment <= through; segment += 1) {
        if (segment % 200 === 1) await new Promise(setImmediate);
        yield give(shard, segment);
      }
    },
    readEntries: async (shard, wanted) => {
      const entries: SegmentEntry[] = [];
      for (const segment of wanted) {
        if (segment % 100 === 1) await new Promise(setImmediate);
        entries.push(give(shard, segment));
      }
      return entries;
    },
    recordGap: async () => 'known',
    readWatermark: async () => NO_WATERMARK,
    putWatermark: async () => 'put',
  };
  return { ledger, peak, checkpoints };
}

for (const slots of [64, 256])
  test(`checkpoints of ${SHARDS} shards move on after a standstill of three hours, with ${slots} slots`, async () => {
    const { ledger, peak, checkpoints } = ledgerAfter(slots);
    await advanceCheckpoints(ledger, () => true);
    assert.deepEqual(new Set(checkpoints.values().map(({ through }) => through)), new Set([SEGMENTS]));
    const heldMb = Math.round((peak.entries * bytesOfOne(slots)) / 1e6);
    assert.ok(
      heldMb < ENTRIES_MB,
      `${peak.entries} entries are held at once: ${heldMb} MB, and the function has ${MEMORY_MB}`,
    );
  });
