// Which grain is still retained for a time, and for how long.
import { goneAtMs, LEVELS, type Level, periodAt, type Retentions } from '../core/level.ts';
import { periodStartMs, periodsOf, type Stretch, type TimedGrain, type TimeZone } from './calendar.ts';

/** The grain of each level's sums. */
export const SUMS: Readonly<Record<Level, TimedGrain>> = {
  hours: 'minute',
  days: 'hour',
  months: 'day',
  all: 'month',
};

/** What decides which sums are still retained. */
export interface Kept {
  readonly retentions: Retentions;
  /** The request's time: blocks past their retention count as gone, whether or not they are deleted yet. */
  readonly nowMs: number;
}

/** The finest grain still retained for an instant. */
export function keptGrain(atMs: number, { retentions, nowMs }: Kept): TimedGrain {
  return SUMS[LEVELS.find((level) => goneAtMs(periodAt(level, atMs), retentions) > nowMs) ?? 'all'];
}

/** Zones whose days begin within a minute are history: Liberia gave up the last one in January 1972. */
const WHOLE_MINUTES_FROM_MS = Date.UTC(1972, 1);

/** Whether the retained sums of a range can be grouped into a zone's periods: no period begins within a sum. */
export function canCut(range: Stretch, grain: TimedGrain, zone: TimeZone, kept: Kept): boolean {
  for (const { fromMs } of periodsOf(range, grain, zone)) {
    if (fromMs < range.fromMs) continue;
    const sums = keptGrain(fromMs, kept);
    if (periodStartMs(sums, fromMs) !== fromMs) return false;
    // Later times are retained at least as finely.
    if (sums === 'minute' && fromMs >= WHOLE_MINUTES_FROM_MS) return true;
  }
  return true;
}

/**
 * Until when a range's retained grains stay the same, epoch milliseconds; `Infinity`: forever. `nowMs` itself if a grain is
 * currently expiring within the range.
 */
export function keptUntilMs({ fromMs, toMs }: Stretch, { retentions, nowMs }: Kept): number {
  let untilMs = Infinity;
  for (const level of LEVELS) {
    const firstMs = goneAtMs(periodAt(level, fromMs), retentions);
    const lastMs = goneAtMs(periodAt(level, toMs - 1), retentions);
    if (lastMs > nowMs) untilMs = Math.min(untilMs, Math.max(nowMs, firstMs));
  }
  return untilMs;
}
