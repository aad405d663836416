// Which grain of a time is still kept, and until when that stays so.
import { periodStartMs, periodsOf, type TimedGrain, type TimeZone } from './calendar.ts';
import type { Stretch } from './count-query.ts';
import { counterExpiresAt } from './counter-item.ts';
import { itemStartMs, levelExpiresAt, type RetentionsMs } from './levels.ts';
import { bucketName, hourStartMs } from './time.ts';

/** When the sums of a time expire that are finer than a grain: minutes, hours, days. Epoch milliseconds; undefined: never. */
const EXPIRIES: readonly (readonly [
  kept: TimedGrain,
  expiresAtMs: (atMs: number, retentionsMs: RetentionsMs) => number | undefined,
])[] = [
  ['minute', (atMs, { counters }) => inMs(counterExpiresAt(bucketName(hourStartMs(atMs), 60), counters))],
  ['hour', (atMs, kept) => inMs(levelExpiresAt({ level: 'days', startMs: itemStartMs('days', atMs) }, kept))],
  [
    'day',
    (atMs, kept) => inMs(levelExpiresAt({ level: 'months', startMs: itemStartMs('months', atMs) }, kept)),
  ],
];

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** The finest grain in which the counts of an instant are still kept. */
export function keptGrain(atMs: number, retentionsMs: RetentionsMs, nowMs: number): TimedGrain {
  const kept = EXPIRIES.find(([, expiresAtMs]) => (expiresAtMs(atMs, retentionsMs) ?? Infinity) > nowMs);
  return kept === undefined ? 'month' : kept[0];
}

/** Zones whose days begin within a minute are history: Liberia gave the last one up in January 1972. */
const WHOLE_MINUTES_FROM_MS = Date.UTC(1972, 1);

/** Whether the days or months of a zone can be cut out of what is kept of a stretch: none begins within a kept sum. */
export function canCut(
  { fromMs, toMs }: Stretch,
  grain: TimedGrain,
  zone: TimeZone,
  retentionsMs: RetentionsMs,
  nowMs: number,
): boolean {
  for (const { startMs } of periodsOf({ startMs: fromMs, endMs: toMs }, grain, zone)) {
    if (startMs < fromMs) continue;
    const kept = keptGrain(startMs, retentionsMs, nowMs);
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
export function keptUntilMs({ fromMs, toMs }: Stretch, retentionsMs: RetentionsMs, nowMs: number): number {
  let untilMs = Infinity;
  for (const [, expiresAtMs] of EXPIRIES) {
    const firstMs = expiresAtMs(fromMs, retentionsMs) ?? Infinity;
    const lastMs = expiresAtMs(toMs - 1, retentionsMs) ?? Infinity;
    if (lastMs > nowMs) untilMs = Math.min(untilMs, Math.max(nowMs, firstMs));
  }
  return untilMs;
}
