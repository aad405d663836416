// Working off a sweep: its items in the order of their hashes, and the top lists after each portion of them.
import type pLimit from 'p-limit';
import type { Sweep, SweptItem } from '../counting/sweep.ts';
import type { CompactionReport, CompactorPorts, CompactorSettings } from './compaction.ts';
import { recomputeDay, recomputeMonth } from './recompute.ts';
import { type Recomputed, updateTopLists } from './top-lists.ts';

/**
 * Recomputes the items of a sweep while there is time, and brings the top lists up to that.
 * @returns a hash: items below it are set, and the lists have heard of them. The sweep's bound when that is all of them, 0 for none
 */
export async function workOff(
  sweep: Sweep,
  limit: ReturnType<typeof pLimit>,
  ports: CompactorPorts,
  settings: CompactorSettings,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<number> {
  const items = sweep.items();
  for (let at = 0; at < items.length; at += settings.portionItems) {
    const portion = items.slice(at, at + settings.portionItems);
    const inTime = await workOffPortion(portion, limit, ports, settings, hasTime, report);
    // Others of the same hash may have been worked off: it is taken for undone.
    if (!inTime) return at === 0 ? 0 : (portion[0]?.hash ?? 0);
  }
  return sweep.bound;
}

/** @returns false when time ran out on the way: nothing of the portion may be taken for done */
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
        const sums = await recompute(name, sumsMs, ports, settings, report);
        if (sums !== undefined) recomputed.push({ name, sumsMs, sums });
      }),
    ),
  );
  const level = portion[0]?.name.level === 'days' ? 'days' : 'months';
  return inTime && (await updateTopLists(level, recomputed, limit, ports, settings, hasTime, report));
}
