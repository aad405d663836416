// The accountant's use case: move every shard's checkpoint forward over settled segments.
import pLimit, { type LimitFunction } from 'p-limit';
import { type Checkpoint, lastEntered, moveForward } from '../core/checkpoint.ts';
import type { ShardKey } from '../core/identifiers.ts';
import type { SegmentEntry } from '../core/segment-entry.ts';
import type { CheckpointLedger } from '../ports.ts';
import { SHARDS_AT_ONCE } from './shard-progress.ts';

/** Maximum entries read in one step. */
const STEP_ENTRIES_MAX = 1_000;
/** Shards with more entries than this are read one at a time: an entry can take 30 KB of memory. */
const FEW_ENTRIES = 100;

/**
 * Moves the checkpoints of all shards forward, in steps, while there is time. Repeatable: a checkpoint sums segments that
 * cannot change any more, and concurrent writers detect each other.
 */
export async function advanceCheckpoints(ledger: CheckpointLedger, hasTime: () => boolean): Promise<void> {
  const limit = pLimit(SHARDS_AT_ONCE);
  const many = pLimit(1);
  const advance = async (shard: ShardKey) => {
    while (hasTime() && (await step(shard, ledger, many, hasTime)));
  };
  await Promise.all((await ledger.shards()).map((shard) => limit(() => advance(shard))));
}

/** One step over one shard. @returns whether another step may advance further */
async function step(
  shard: ShardKey,
  ledger: CheckpointLedger,
  many: LimitFunction,
  hasTime: () => boolean,
): Promise<boolean> {
  const checkpoint = await ledger.readCheckpoint(shard);
  const through = lastEntered(await ledger.readHead(shard));
  const entries = through - checkpoint.through + checkpoint.open.length;
  const take = () => takeStep(shard, checkpoint, through, ledger);
  // While it waited for the others, time may have run out.
  return entries > FEW_ENTRIES ? many(async () => hasTime() && (await take())) : take();
}

async function takeStep(
  shard: ShardKey,
  checkpoint: Checkpoint,
  through: number,
  ledger: CheckpointLedger,
): Promise<boolean> {
  const following: SegmentEntry[] = [];
  for await (const entry of ledger.entriesUp(shard, checkpoint.through, through)) {
    following.push(entry);
    if (following.length === STEP_ENTRIES_MAX) break;
  }
  const next = moveForward(checkpoint, await ledger.readEntries(shard, checkpoint.open), following);
  if (next === checkpoint) return false;
  return (await ledger.putCheckpoint(shard, next)) === 'put' && following.length === STEP_ENTRIES_MAX;
}
