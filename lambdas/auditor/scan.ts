// The audit's second phase: the keys of all counter items of the range, so that items nobody emitted are compared, too.

import type { AuditedCounters, AuditScratch } from '../audit-ports.ts';
import { isBucketIn, SpillLines } from '../counting/audit-rows.ts';
import type { AuditPosition, AuditState } from '../counting/audit-state.ts';
import { bucketOfSortKey } from '../counting/counter-item.ts';
import type { AuditLimits } from './limits.ts';

/** Looks through counter items page by page until the time or the room for their keys is used up: at least one page. */
export async function scan(
  state: AuditState,
  position: AuditPosition & { phase: 'scan' },
  { counters, scratch }: { counters: AuditedCounters; scratch: AuditScratch },
  hasTime: () => boolean,
  { partitions, spillBytes }: Pick<AuditLimits, 'partitions' | 'spillBytes'>,
): Promise<AuditState> {
  const lines = new SpillLines(partitions);
  let { itemsScanned } = state;
  let { after } = position;
  do {
    const page = await counters.scanKeys(after);
    for (const key of page.keys) {
      if (isBucketIn(bucketOfSortKey(key.sk), state.range)) lines.addItem(key);
    }
    itemsScanned += page.keys.length;
    after = page.next;
  } while (after !== undefined && hasTime() && lines.bytes < spillBytes);
  const spilled = lines.bytes > 0 ? [await scratch.putSpill(state.id, lines.partitions)] : [];
  return {
    ...state,
    itemsScanned,
    spills: [...state.spills, ...spilled],
    spilledBytes: state.spilledBytes + lines.bytes,
    position: after === undefined ? { phase: 'compare', partition: 0 } : { phase: 'scan', after },
  };
}
