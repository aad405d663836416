// Which grain is still retained for a time, and for how long.
import { goneAtMs, type Level, periodAt, type Retentions } from '../core/level.ts';
import { periodStartMs, periodsOf, type TimedGrain, type TimeZone } from './calendar.ts';
import type { Stretch } from './count-query.ts';

/** The levels whose sums are finer than months, and the grain of their sums. */
const KEPT: readonly (readonly [kept: TimedGrain, level: Level])[] = [
  ['minute', 'hours'],
  ['hour', 'days'],
  ['day', 'months'],
];

/** The finest grain still retained for an instant. */
export function keptGrain(atMs: number, retentions: Retentions, nowMs: number): TimedGrain {
  const kept = KEPT.find(([, level]) => goneAtMs(periodAt(level, atMs), retentions) > nowMs);
  return kept === undefined ? 'month' : kept[0];
}

/** Zones whose days begin within a minute are history: Liberia gave up the last one in January 1972. */
const WHOLE_MINUTES_FROM_MS = Date.UTC(1972, 1);

/** Whether the retained sums of a range can be grouped into a zone's periods: no period begins within a sum. */
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
    // Later times are retained at least as finely.
    if (kept === 'minute' && startMs >= WHOLE_MINUTES_FROM_MS) return true;
  }
  return true;
}

/**
 * Until when a range's retained grains stay the same, epoch milliseconds; `Infinity`: forever. `nowMs` itself if a grain is
 * currently expiring within the range.
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
