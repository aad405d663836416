// The repair of a counter item that differs: its trace first, then one conditional rewrite.

import type { AuditedCounters, RepairArchive } from '../audit-ports.ts';
import type { Comparison, StoredItem } from '../counting/audit.ts';
import { counterExpiresAt } from '../counting/counter-item.ts';

/** Repairs one item. */
export type ItemRepairer = (
  comparison: Comparison,
  stored: StoredItem | undefined,
) => Promise<'rewritten' | 'changed-meanwhile'>;

/**
 * A repairer. Repeatable: an item that was repaired no longer differs, and one that changed since it was read is left to the
 * next audit. What the item said before is in the archive.
 */
export function itemRepairer(
  counters: AuditedCounters,
  archive: RepairArchive,
  counterRetentionMs: number | undefined,
): ItemRepairer {
  return async ({ differences, expected, bucket }, stored) => {
    if (expected === undefined) throw new RangeError('nobody knows what the item must be');
    await archive.keepRepair({ differences, before: stored, after: expected });
    return counters.rewrite(expected, stored, counterExpiresAt(bucket.name, counterRetentionMs));
  };
}
