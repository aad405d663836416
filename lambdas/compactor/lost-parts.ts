// Gives up what is missing of a lost segment, so that what was counted of it is compacted, and nothing waits for the rest.
import { type ShardKey, segmentId } from '../core/identifiers.ts';
import { isGivenUp, type SegmentEntry } from '../core/segment-entry.ts';
import { HOUR_MS } from '../core/time.ts';
import type { CompactorPorts } from './ports.ts';

/** By then, redrive has found the dead letters whose place could not be noted while the ledger was unavailable. */
const GIVE_UP_AFTER_MS = HOUR_MS;

/**
 * Some time after a segment was lost, discards each of its parts that is not counted, dead, parked or on its way back: its
 * records are gone, so nothing can produce it again. A message that still arrives finds the tombstone. Repeatable.
 * @returns the segment's entry as it is now
 */
export async function withoutLostParts(
  shard: ShardKey,
  entry: SegmentEntry,
  { ledger, store, clock }: Pick<CompactorPorts, 'ledger' | 'store' | 'clock'>,
  giveUpAfterMs = GIVE_UP_AFTER_MS,
): Promise<SegmentEntry> {
  if (!entry.lost || isGivenUp(entry)) return entry;
  if (clock.nowMs() - (entry.lostAtMs ?? 0) < giveUpAfterMs) return entry;
  const segment = segmentId(shard, entry.segment);
  const { acked, discarded, parked, dead, returned, runMaxMs } = entry;
  for (const [part, { range }] of entry.parts.entries()) {
    if ([acked, discarded, parked, dead, returned].some((parts) => parts.has(part))) continue;
    const outcome = await store.putTombstone({ segment, part, range, runMaxMs });
    if (outcome === 'stored') await ledger.acknowledge(segment, [part]);
    else await ledger.notePlace(segment, [part], 'discarded');
  }
  const [now = entry] = await ledger.readEntries(shard, [entry.segment]);
  return now;
}
