// Which top lists there are: one for each metric and hour, day and month; when each is over, and how long it is kept.

import { type CompactedLevel, itemStartMs, type LevelRetentionsMs, levelExpiresAt } from './levels.ts';
import { DAY_MS, dayStartMs, HOUR_MS, hourStartMs, isoSeconds, monthStartMs, nextMonthMs } from './time.ts';

/** The grains of top lists, finest first. */
export const TOP_GRAINS = ['hour', 'day', 'month'] as const;
export type TopGrain = (typeof TOP_GRAINS)[number];

/** Names one top list. */
export interface TopName {
  readonly metric: string;
  readonly by: TopGrain;
  /** The start of its hour, day or month (UTC), epoch milliseconds. */
  readonly startMs: number;
}

/** What each list is made of: sums of items of a level, and the level whose items outlive it. */
const SOURCES: Readonly<
  Record<
    TopGrain,
    { readonly level: CompactedLevel; readonly kept: CompactedLevel | undefined; readonly letter: string }
  >
> = {
  hour: { level: 'days', kept: 'days', letter: 'H' },
  day: { level: 'days', kept: 'months', letter: 'D' },
  month: { level: 'months', kept: undefined, letter: 'M' },
};

/** The level whose items a list is made of, and whose claim holds for it. */
export function levelOfTop(by: TopGrain): CompactedLevel {
  return SOURCES[by].level;
}

const STARTS = { hour: hourStartMs, day: dayStartMs, month: monthStartMs } as const;
const ENDS = {
  hour: (startMs: number) => startMs + HOUR_MS,
  day: (startMs: number) => startMs + DAY_MS,
  month: nextMonthMs,
} as const;

/** The start of the hour, day or month that holds an instant, epoch milliseconds. */
export function topStartMs(by: TopGrain, atMs: number): number {
  return STARTS[by](atMs);
}

/** When a list's period is over, epoch milliseconds. */
export function topEndMs({ by, startMs }: Pick<TopName, 'by' | 'startMs'>): number {
  return ENDS[by](startMs);
}

const PERIOD_CHARACTERS: Readonly<Record<TopGrain, number>> = { hour: 13, day: 10, month: 7 };

/** A list's key: `TOP#metric` and `H#2026-11-22T05`, `D#2026-11-22`, `M#2026-11`. */
export function topKey({ metric, by, startMs }: TopName): { readonly pk: string; readonly sk: string } {
  const period = isoSeconds(startMs).slice(0, PERIOD_CHARACTERS[by]);
  return { pk: `TOP#${metric}`, sk: `${SOURCES[by].letter}#${period}` };
}

/** The list that a key names. @throws RangeError when it names none */
export function topNameIn({ pk, sk }: { readonly pk: string; readonly sk: string }): TopName {
  const by = TOP_GRAINS.find((grain) => sk.startsWith(`${SOURCES[grain].letter}#`));
  const startMs = Date.parse(`${sk.slice(2)}${by === 'hour' ? ':00Z' : ''}`);
  if (by === undefined || !pk.startsWith('TOP#') || Number.isNaN(startMs)) {
    throw new RangeError(`${pk} ${sk} names no top list`);
  }
  return { metric: pk.slice('TOP#'.length), by, startMs };
}

/**
 * When a list may be deleted, epoch seconds; undefined: never. It is kept as long as the sums of its grain are: an hour's in
 * the item of its day, a day's in the item of its month, a month's in the total.
 */
export function topExpiresAt(
  { by, startMs }: Pick<TopName, 'by' | 'startMs'>,
  retentionsMs: LevelRetentionsMs,
): number | undefined {
  const { kept } = SOURCES[by];
  if (kept === undefined) return undefined;
  return levelExpiresAt({ level: kept, startMs: itemStartMs(kept, startMs) }, retentionsMs);
}
