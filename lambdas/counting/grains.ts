// The grains of an answer: minutes, hours, days and months in UTC, and all together.
import { DAY_MS, dayStartMs, HOUR_MS, hourStartMs, MINUTE_MS, monthStartMs, nextMonthMs } from './time.ts';

/** The grains, finest first. */
export const GRAINS = ['minute', 'hour', 'day', 'month', 'total'] as const;
export type Grain = (typeof GRAINS)[number];
/** Grains whose points have a time. */
export type TimedGrain = Exclude<Grain, 'total'>;

const STARTS: Readonly<Record<TimedGrain, (atMs: number) => number>> = {
  minute: (atMs) => Math.floor(atMs / MINUTE_MS) * MINUTE_MS,
  hour: hourStartMs,
  day: dayStartMs,
  month: monthStartMs,
};
const LENGTHS_MS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** The start of the minute, hour, day or month that holds an instant, epoch milliseconds. */
export function grainStartMs(grain: TimedGrain, atMs: number): number {
  return STARTS[grain](atMs);
}

/** The start of the next one. */
export function nextGrainMs(grain: TimedGrain, atMs: number): number {
  return grain === 'month' ? nextMonthMs(atMs) : STARTS[grain](atMs) + LENGTHS_MS[grain];
}

/** The first start of a minute, hour, day or month that is not before an instant. */
export function grainCeilingMs(grain: TimedGrain, atMs: number): number {
  const startMs = STARTS[grain](atMs);
  return startMs === atMs ? atMs : nextGrainMs(grain, atMs);
}

/** Whether one grain is finer than another. */
export function isFiner(grain: Grain, other: Grain): boolean {
  return GRAINS.indexOf(grain) < GRAINS.indexOf(other);
}

/** The coarser of two grains. */
export function coarser<G extends Grain>(a: G, b: G): G {
  return isFiner(a, b) ? b : a;
}
