// What can be relied on in a level, worked out as completeThrough is: from how far its cursors got on all shards.
import { progressOfShards, runMaxOf } from '../accountant/shard-progress.ts';
import { completeThroughMs, type ShardProgress } from '../counting/completeness.ts';
import type { ShardKey } from '../counting/identifiers.ts';
import { wholePrefix } from '../counting/level-cursor.ts';
import { type CompactedLevel, sumStartMs } from '../counting/levels.ts';
import type { CompactorPorts } from './compaction.ts';

/** Publishes how far a level got, if it got further. */
export async function claimLevel(
  level: CompactedLevel,
  { ledger, progress, stream }: Pick<CompactorPorts, 'ledger' | 'progress' | 'stream'>,
  generation: string,
): Promise<void> {
  const seen = new Map<ShardKey, Pick<ShardProgress, 'done' | 'doneRunMaxMs'>>();
  const shards = await progressOfShards(ledger, stream, generation, async (shard) => {
    // The cursor first: a head that was read before it might be behind it.
    const cursor = await progress.readCursor(shard, level);
    const head = await ledger.readHead(shard);
    if (head === undefined) return { head, done: 0, doneRunMaxMs: 0 };
    const open = await ledger.readEntries(shard, cursor.open);
    const lost = new Set(open.filter((entry) => entry.lost).map(({ segment }) => segment));
    const done = wholePrefix(cursor, (segment) => lost.has(segment));
    seen.set(shard, {
      done: cursor.through,
      doneRunMaxMs: await runMaxOf(shard, head, cursor.through, ledger),
    });
    return { head, done, doneRunMaxMs: await runMaxOf(shard, head, done, ledger) };
  });
  const throughMs = completeThroughMs(shards);
  const seenThroughMs = completeThroughMs(shards.map((shard) => ({ ...shard, ...seen.get(shard.shard) })));
  // A period is closed for the level when everything that arrived in it has been looked at.
  await progress.raiseLevelClaim(level, { closedBeforeMs: sumStartMs(level, seenThroughMs), throughMs });
}
