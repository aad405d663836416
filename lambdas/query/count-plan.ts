// Plans where an answer is read from: each time range from the coarsest level that has all of it, and from one level only.
import { goneAtMs, type Level, periodsOver, UPPER_LEVELS, type UpperLevel } from '../core/level.ts';
import { HOUR_MS, isoSeconds } from '../core/time.ts';
import {
  type Grain,
  isFiner,
  periodCeilingMs,
  periodStartMs,
  periodsOf,
  type Stretch,
  type TimedGrain,
  type TimeZone,
  UTC,
} from './calendar.ts';
import type { CountQuery } from './count-query.ts';
import { InvalidQuery } from './invalid-query.ts';
import { canCut, type Kept, keptGrain, SUMS } from './kept-grain.ts';

/** A time range and the level that answers for it. */
export interface Piece extends Stretch {
  readonly level: Level;
}

/** For each upper level, the instant before which it is complete, epoch milliseconds; 0: nothing. */
export type Closed = Readonly<Record<UpperLevel, number>>;

/** How an answer is cut into points. */
interface Cut {
  /** The requested grain, or the finest that is still retained. */
  readonly grain: Grain;
  /** The time zone of hours, days, weeks and months: the requested one, or UTC where the retained data is too coarse for it. */
  readonly zone: TimeZone;
}

/** What to read for a query: its range, or as much of it as fits a page. */
export interface CountPlan extends Stretch, Cut {
  /** Why the answer differs from the request; undefined if it does not. */
  readonly note: string | undefined;
  /** The minutes, hours, days, weeks or months of the answer, contiguous; one for `total`. */
  readonly periods: readonly Stretch[];
  /** Contiguous, covering the range with each instant once; no stored sum crosses the edge of a period. */
  readonly pieces: readonly Piece[];
  /** Where the next page starts; undefined: this is the last. */
  readonly nextMs: number | undefined;
  /** The arrival time before which the answer is complete, epoch milliseconds; 0: unknown. */
  readonly throughMs: number;
}

/** The upper levels from the coarsest. */
const UPPER = UPPER_LEVELS.toReversed();

/** What is known about the store when an answer is planned. */
export interface Known extends Kept {
  /** Read before anything that the plan reads. */
  readonly closed: Closed;
  /** The watermark, epoch milliseconds; read before `closed`. */
  readonly throughMs: number;
}

/**
 * Plans how to read an answer.
 * @throws InvalidQuery when the data behind the earlier pages is no longer retained
 */
export function planCounts(query: CountQuery, known: Known): CountPlan {
  const kept = keptGrain(query.fromMs, known);
  const range = { fromMs: periodStartMs(kept, query.fromMs), toMs: endOf(query, known) };
  const cut = cutOf(query, range, kept, known);
  const { periods, nextMs } = pageOf(range, cut, query.limit);
  const page = { fromMs: range.fromMs, toMs: nextMs ?? range.toMs };
  return {
    ...page,
    ...cut,
    note: noteOn(query, range, cut, kept),
    periods,
    pieces: piecesOf(page, cut, periods, known),
    nextMs,
    throughMs: known.throughMs,
  };
}

/**
 * Where a range ends so that no sum is cut. After a retention was raised, the beginning of a month may be kept only in a sum of all of
 * it, though its end is kept by the minute.
 */
function endOf({ fromMs, toMs }: Stretch, known: Kept): number {
  for (const grain of ['month', 'day', 'hour'] as const) {
    const atMs = Math.max(fromMs, periodStartMs(grain, toMs - 1));
    if (!isFiner(keptGrain(atMs, known), grain)) return periodCeilingMs(grain, toMs);
  }
  return periodCeilingMs('minute', toMs);
}

/** The requested grain and zone, or the next that the retained data allows; later pages keep those of the first. */
function cutOf({ by, zone, page, fromMs }: CountQuery, range: Stretch, kept: TimedGrain, known: Kept): Cut {
  const isAllowed = (grain: Grain, of: TimeZone) =>
    of === UTC || (grain !== 'total' && canCut(range, grain, of, known));
  if (page === undefined) {
    const grain = isFiner(by, kept) ? kept : by;
    return { grain, zone: isAllowed(grain, zone) ? zone : UTC };
  }
  if (range.fromMs !== fromMs || isFiner(page.grain, kept) || !isAllowed(page.grain, page.zone)) {
    throw new InvalidQuery(
      `"next" has expired: counts of ${isoSeconds(fromMs)} have passed out of retention, so start again without it`,
    );
  }
  return { grain: page.grain, zone: page.zone };
}

/** Maximum points of a page in zones whose midnight is within an hour of UTC's: each such midnight reads an hour's minutes. */
const SPLIT_HOURS_MAX = 366;

/** As many periods of a range as fit a page. */
function pageOf(range: Stretch, { grain, zone }: Cut, limit: number): Pick<CountPlan, 'periods' | 'nextMs'> {
  if (grain === 'total') return { periods: [range], nextMs: undefined };
  const periods: Stretch[] = [];
  let most = limit;
  for (const period of periodsOf(range, grain, zone)) {
    if (zone !== UTC && period.fromMs % HOUR_MS !== 0) most = Math.min(most, SPLIT_HOURS_MAX);
    if (periods.length >= most) return { periods, nextMs: period.fromMs };
    periods.push(period);
  }
  return { periods, nextMs: undefined };
}

/** In UTC, no stored sum as fine as the grain crosses an edge; in other zones each period is covered separately. */
function piecesOf(
  page: Stretch,
  { grain, zone }: Cut,
  periods: readonly Stretch[],
  known: Known,
): readonly Piece[] {
  if (zone === UTC) {
    const usable = UPPER.filter((level) => !isFiner(grain, SUMS[level]));
    return cover(page, usable, known);
  }
  const pieces: Piece[] = [];
  for (const { fromMs, toMs } of periods) {
    const clipped = { fromMs: Math.max(page.fromMs, fromMs), toMs: Math.min(page.toMs, toMs) };
    for (const piece of cover(clipped, UPPER, known)) {
      const last = pieces.at(-1);
      if (last?.level !== piece.level) pieces.push(piece);
      else pieces[pieces.length - 1] = { ...last, toMs: piece.toMs };
    }
  }
  return pieces;
}

/** Covers a range from the first level as far as that is complete and retained, and the rest from finer ones. */
function cover({ fromMs, toMs }: Stretch, upper: readonly UpperLevel[], known: Known): readonly Piece[] {
  if (fromMs >= toMs) return [];
  const [level, ...finer] = upper;
  if (level === undefined) return [{ level: 'hours', fromMs, toMs }];
  const endMs = periodStartMs(SUMS[level], Math.min(toMs, known.closed[level]));
  const innerMs = keptFromMs(level, periodCeilingMs(SUMS[level], fromMs), endMs, known);
  if (innerMs >= endMs) return cover({ fromMs, toMs }, finer, known);
  return [
    ...cover({ fromMs, toMs: innerMs }, finer, known),
    { level, fromMs: innerMs, toMs: endMs },
    ...cover({ fromMs: endMs, toMs }, finer, known),
  ];
}

/**
 * The first instant of a range from which a level has its blocks. After a retention was raised, the block of a month may expire
 * before those of its days.
 */
function keptFromMs(level: UpperLevel, fromMs: number, toMs: number, { retentions, nowMs }: Kept): number {
  for (const period of periodsOver(level, fromMs, toMs))
    if (goneAtMs(period, retentions) > nowMs) return Math.max(fromMs, period.startMs);
  return toMs;
}

function noteOn(
  query: CountQuery,
  range: Stretch,
  { grain, zone }: Cut,
  kept: TimedGrain,
): string | undefined {
  const widened = range.fromMs !== query.fromMs || range.toMs !== query.toMs;
  const notes: string[] = [];
  if (grain !== query.by) notes.push(`counted by ${grain} instead of by ${query.by}`);
  if (zone !== query.zone) notes.push(`${grain}s of UTC: the retained data is too coarse for ${query.zone}`);
  if (widened) notes.push(`the range is widened to ${isoSeconds(range.fromMs)} to ${isoSeconds(range.toMs)}`);
  if (notes.length === 0) return undefined;
  const reason =
    query.page === undefined
      ? `of ${isoSeconds(query.fromMs)} no grain finer than the ${kept} is kept any more`
      : 'as on the page before';
  return `${reason}: ${notes.join('; ')}`;
}
