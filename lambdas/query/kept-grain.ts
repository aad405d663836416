// Which grain of a time is still kept, and until when that stays so.
import { goneAtMs, type Level, periodAt, type Retentions } from '../core/level.ts';
import { periodStartMs, periodsOf, type TimedGrain, type TimeZone } from './calendar.ts';
import type { Stretch } from './count-query.ts';

/** Whose blocks hold sums that are finer than the months, and the grain of the sums. */
const KEPT: readonly (readonly [kept: TimedGrain, level: Level])[] = [
  ['minute', 'hours'],
  ['hour', 'days'],
  ['day', 'months'],
];

/** The finest grain in which the counts of an instant are still kept. */
export function keptGrain(atMs: number, retentions: Retentions, nowMs: number): TimedGrain {
  const kept = KEPT.find(([, level]) => goneAtMs(periodAt(level, atMs), retentions) > nowMs);
  return kept === undefined ? 'month' : kept[0];
}

/** Zones whose days begin within a minute are history: Liberia gave the last one up in January 1972. */
const WHOLE_MINUTES_FROM_MS = Date.UTC(1972, 1);

/** Whether the hours, days, weeks or months of a zone can be cut out of what is kept of a stretch: none begins within a kept sum. */
export function canCut(
  { fromMs, toMs }: Stretch,
  grain: TimedGrain,
  zone: TimeZone,
  retentions: Retentions,
  nowMs: number,
): boolean {
  for (const { startMs } of periodsOf({ startMs: fromMs, endMs: toMs }, grain, zone)) {
    if (startMs < fromMs) continue;
    const kept = keptGrain(startMs, retentions, nowMs);
    if (periodStartMs(kept, startMs) !== startMs) return false;
    // What is later is kept at least as finely.
    if (kept === 'minute' && startMs >= WHOLE_MINUTES_FROM_MS) return true;
  }
  return true;
}

/**
 * Until when the same grains are kept of a stretch, epoch milliseconds; `Infinity`: for ever. The time of asking itself
 * where a grain is expiring in the midst of the stretch.
 */
export function keptUntilMs({ fromMs, toMs }: Stretch, retentions: Retentions, nowMs: number): number {
  let untilMs = Infinity;
  for (const [, level] of KEPT) {
    const firstMs = goneAtMs(periodAt(level, fromMs), retentions);
    const lastMs = goneAtMs(periodAt(level, toMs - 1), retentions);
    if (lastMs > nowMs) untilMs = Math.min(untilMs, Math.max(nowMs, firstMs));
  }
  return untilMs;
}
