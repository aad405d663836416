// The reads of a plan: as few as there are stretches of neighbouring items, and no item twice.
import type { Piece, Source } from './count-plan.ts';
import { itemStartMs } from './levels.ts';
import { DAY_MS, HOUR_MS, hourStartMs, nextMonthMs } from './time.ts';

/** The start of the item of a source that holds an instant, and of the one after it. Epoch milliseconds. */
const ITEMS: Readonly<Record<Source, (atMs: number) => readonly [startMs: number, nextMs: number]>> = {
  counters: (atMs) => [hourStartMs(atMs), hourStartMs(atMs) + HOUR_MS],
  days: (atMs) => [itemStartMs('days', atMs), itemStartMs('days', atMs) + DAY_MS],
  months: (atMs) => [itemStartMs('months', atMs), nextMonthMs(atMs)],
  total: () => [0, Infinity],
};

/**
 * Puts pieces together whose items are the same or neighbours. What is read between them belongs to another piece, and is
 * left out by `PointSums`.
 */
export function readsOf(pieces: readonly Piece[]): readonly Piece[] {
  const reads: Piece[] = [];
  const lastOf = new Map<Source, number>();
  for (const piece of pieces) {
    const { source, fromMs, toMs } = piece;
    const index = lastOf.get(source);
    const last = index === undefined ? undefined : reads[index];
    const itemsOf = ITEMS[source];
    if (index !== undefined && last !== undefined && itemsOf(fromMs)[0] <= itemsOf(last.toMs - 1)[1]) {
      reads[index] = { ...last, toMs };
    } else {
      lastOf.set(source, reads.length);
      reads.push(piece);
    }
  }
  return reads;
}
