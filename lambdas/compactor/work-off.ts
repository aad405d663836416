// Working off a sweep: its items in the order of their hashes, and the top lists after each portion of them.
import type pLimit from 'p-limit';
import type { Sweep, SweptItem } from '../counting/sweep.ts';
import type { CompactionReport, CompactorPorts, CompactorSettings } from './compaction.ts';
import { recomputeDay, recomputeMonth } from './recompute.ts';
import { type Recomputed, updateTopLists } from './top-lists.ts';

/** How far a sweep is worked off. */
export interface WorkedOff {
  /** Items with hashes below this are set, and the top lists have heard of them. The sweep's bound when that is all of them, 0 for none. */
  readonly doneBelow: number;
  /** What went wrong on the way: to be thrown when what is done is kept, or a pass that always meets one failure would never end. */
  readonly failure?: { readonly cause: unknown };
}

/** Recomputes the items of a sweep while there is time and nothing fails, and brings the top lists up to that. */
export async function workOff(
  sweep: Sweep,
  limit: ReturnType<typeof pLimit>,
  ports: CompactorPorts,
  settings: CompactorSettings,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<WorkedOff> {
  const items = sweep.items();
  for (let at = 0; at < items.length; at += settings.portionItems) {
    const portion = items.slice(at, at + settings.portionItems);
    // Others of the same hash may have been worked off: it is taken for undone.
    const doneBelow = at === 0 ? 0 : (portion[0]?.hash ?? 0);
    try {
      const inTime = await workOffPortion(portion, limit, ports, settings, hasTime, report);
      if (!inTime) return { doneBelow };
    } catch (cause) {
      return { doneBelow, failure: { cause } };
    }
  }
  return { doneBelow: sweep.bound };
}

/** @returns false when time ran out on the way: nothing of the portion may be taken for done. Nor when it throws */
async function workOffPortion(
  portion: readonly SweptItem[],
  limit: ReturnType<typeof pLimit>,
  ports: CompactorPorts,
  settings: CompactorSettings,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<boolean> {
  const recomputed: Recomputed[] = [];
  let inTime = true;
  await Promise.all(
    portion.map(({ name, sumsMs }) =>
      limit(async () => {
        inTime &&= hasTime();
        if (!inTime) return;
        const recompute = name.level === 'days' ? recomputeDay : recomputeMonth;
        const sums = await recompute(name, sumsMs, ports, settings, report).catch((error: unknown) => {
          // Those that wait behind it need not be begun.
          inTime = false;
          throw error;
        });
        if (sums !== undefined) recomputed.push({ name, sumsMs, sums });
      }),
    ),
  );
  const level = portion[0]?.name.level === 'days' ? 'days' : 'months';
  return inTime && (await updateTopLists(level, recomputed, limit, ports, settings, hasTime, report));
}
