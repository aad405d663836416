// What can be relied on in a level, worked out as completeThrough is: from how far its cursors got on all shards.
import { progressOfShards, runMaxOf } from '../accountant/shard-progress.ts';
import { completeThroughMs, type ShardProgress } from '../counting/completeness.ts';
import type { ShardKey } from '../counting/identifiers.ts';
import { wholePrefix } from '../counting/level-cursor.ts';
import { type CompactedLevel, type LevelClaim, sumStartMs } from '../counting/levels.ts';
import { isGivenUp } from '../counting/segment-entry.ts';
import type { CompactorPorts } from './compaction.ts';

/** Publishes how far a level got, if it got further. @returns how far this is, whether it was claimed already or not */
export async function claimLevel(
  level: CompactedLevel,
  { ledger, progress, stream }: Pick<CompactorPorts, 'ledger' | 'progress' | 'stream'>,
  generation: string,
): Promise<LevelClaim> {
  const seen = new Map<ShardKey, Pick<ShardProgress, 'done' | 'doneRunMaxMs'>>();
  const shards = await progressOfShards(ledger, stream, generation, async (shard) => {
    // The cursor first: a head that was read before it might be behind it.
    const cursor = await progress.readCursor(shard, level);
    const head = await ledger.readHead(shard);
    if (head === undefined) return { head, done: 0, doneRunMaxMs: 0 };
    const segments = cursor.open.map(({ segment }) => segment);
    const entries = new Map(
      (await ledger.readEntries(shard, segments)).map((entry) => [entry.segment, entry]),
    );
    const done = wholePrefix(cursor, ({ segment, held }) => {
      const entry = entries.get(segment);
      return entry !== undefined && (entry.lost || isGivenUp(entry)) && entry.acked.size === held;
    });
    seen.set(shard, {
      done: cursor.through,
      doneRunMaxMs: await runMaxOf(shard, head, cursor.through, ledger),
    });
    return { head, done, doneRunMaxMs: await runMaxOf(shard, head, done, ledger) };
  });
  const throughMs = completeThroughMs(shards);
  const seenThroughMs = completeThroughMs(shards.map((shard) => ({ ...shard, ...seen.get(shard.shard) })));
  // A period is closed for the level when everything that arrived in it has been looked at.
  const claim = { closedBeforeMs: sumStartMs(level, seenThroughMs), throughMs };
  await progress.raiseLevelClaim(level, claim);
  return claim;
}
