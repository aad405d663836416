// What an open segment needs does not expire: its entry, and its stored deltas, which are compacted once it is settled.
import type { DeltaName } from '../core/delta.ts';
import { type ShardKey, segmentId } from '../core/identifiers.ts';
import { isGivenUp, type SegmentEntry } from '../core/segment-entry.ts';
import { DAY_MS } from '../core/time.ts';
import type { CompactorPorts } from './ports.ts';

/** Most segments are settled within seconds. Retentions are a day at least, so nothing has expired by then. */
const KEEP_AFTER_MS = DAY_MS;

/**
 * Takes the expiry from an entry that is still open after a day, and from the deltas of its counted parts; gives a settled one
 * its expiry, if it has none. Repeatable: the entry names the parts whose deltas are kept.
 */
export async function keepWhileOpen(
  shard: ShardKey,
  entry: SegmentEntry,
  { ledger, store, clock }: Pick<CompactorPorts, 'ledger' | 'store' | 'clock'>,
): Promise<void> {
  const segment = segmentId(shard, entry.segment);
  const { kept = new Set<number>(), acked, expiresAt, runMaxMs } = entry;
  const namesOf = (parts: ReadonlySet<number>): DeltaName[] =>
    [...parts].flatMap((part) => {
      const range = entry.parts[part]?.range;
      return range === undefined ? [] : [{ segment, part, range, runMaxMs }];
    });
  if (isGivenUp(entry)) {
    if (expiresAt !== undefined && kept.size === 0) return;
    await Promise.all(namesOf(kept).map((name) => store.expireDelta(name)));
    await ledger.expireEntry(segment, kept.size > 0);
  } else if (clock.nowMs() - runMaxMs > KEEP_AFTER_MS) {
    const parts = new Set([...acked].filter((part) => !kept.has(part)));
    if (expiresAt === undefined && parts.size === 0) return;
    await Promise.all(namesOf(parts).map((name) => store.keepDelta(name)));
    await ledger.keepEntry(segment, parts);
  }
}
