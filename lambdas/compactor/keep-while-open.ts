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
  ports: Pick<CompactorPorts, 'ledger' | 'store' | 'clock'>,
): Promise<void> {
  if (isGivenUp(entry)) return letExpire(shard, entry, ports);
  const { kept, acked, expiresAt, runMaxMs } = entry;
  if (ports.clock.nowMs() - runMaxMs <= KEEP_AFTER_MS) return;
  const parts = new Set([...acked].filter((part) => !kept?.has(part)));
  if (expiresAt === undefined && parts.size === 0) return;
  await Promise.all(deltasOf(shard, entry, parts).map((name) => ports.store.keepDelta(name)));
  const now = await ports.ledger.keepEntry(segmentId(shard, entry.segment), parts);
  // Settled meanwhile: another compactor may have covered it by now, and would not look again.
  if (now !== undefined && isGivenUp(now)) await letExpire(shard, now, ports);
}

async function letExpire(
  shard: ShardKey,
  entry: SegmentEntry,
  { ledger, store }: Pick<CompactorPorts, 'ledger' | 'store'>,
): Promise<void> {
  const { kept = new Set<number>(), expiresAt, segment } = entry;
  if (expiresAt !== undefined && kept.size === 0) return;
  await Promise.all(deltasOf(shard, entry, kept).map((name) => store.expireDelta(name)));
  await ledger.expireEntry(segmentId(shard, segment), kept.size > 0);
}

function deltasOf(
  shard: ShardKey,
  { segment, parts: cut, runMaxMs }: SegmentEntry,
  parts: ReadonlySet<number>,
): DeltaName[] {
  return [...parts].flatMap((part) => {
    const range = cut[part]?.range;
    return range === undefined ? [] : [{ segment: segmentId(shard, segment), part, range, runMaxMs }];
  });
}
