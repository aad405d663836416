// Plans where an answer is read from: each time range from the coarsest level that has all of it, and from one level only.
import {
  goneAtMs,
  type Level,
  periodAt,
  periodEndMs,
  type Retentions,
  type UpperLevel,
} from '../core/level.ts';
import { HOUR_MS, isoSeconds } from '../core/time.ts';
import {
  coarser,
  type Grain,
  isFiner,
  type Period,
  periodCeilingMs,
  periodStartMs,
  periodsOf,
  type TimedGrain,
  type TimeZone,
  UTC,
} from './calendar.ts';
import type { CountQuery, Stretch } from './count-query.ts';
import { InvalidQuery } from './invalid-query.ts';
import { canCut, keptGrain } from './kept-grain.ts';

/** A time range and the level that answers for it. */
export interface Piece extends Stretch {
  readonly level: Level;
}

/** For each upper level, the instant before which it is complete, epoch milliseconds; 0: nothing. */
export type Closed = Readonly<Record<UpperLevel, number>>;

/** What to read for a query: its range, or as much of it as fits a page. */
export interface CountPlan extends Stretch {
  /** The grain of the answer: the requested one, or the finest that is still retained. */
  readonly grain: Grain;
  /** The time zone of hours, days, weeks and months: the requested one, or UTC where the retained data is too coarse for it. */
  readonly zone: TimeZone;
  /** Why the answer differs from the request; undefined if it does not. */
  readonly note: string | undefined;
  /** The minutes, hours, days, weeks or months of the answer, contiguous; one for `total`. */
  readonly periods: readonly Period[];
  /** Contiguous, covering the range with each instant once; no stored sum crosses the edge of a period. */
  readonly pieces: readonly Piece[];
  /** Where the next page starts; undefined: this is the last. */
  readonly nextMs: number | undefined;
  /** The arrival time before which the answer is complete, epoch milliseconds; 0: unknown. */
  readonly throughMs: number;
}

/** The upper levels from the coarsest, and the grain of their sums. */
const UPPER: readonly { readonly level: UpperLevel; readonly sums: TimedGrain }[] = [
  { level: 'all', sums: 'month' },
  { level: 'months', sums: 'day' },
  { level: 'days', sums: 'hour' },
];

/**
 * Plans how to read an answer.
 * @param closed read before anything that the plan reads
 * @param throughMs the watermark, read before `closed`
 * @param nowMs the request's time: blocks that have expired by then count as gone
 * @throws InvalidQuery when the data behind the earlier pages is no longer retained
 */
export function planCounts(
  query: CountQuery,
  closed: Closed,
  throughMs: number,
  retentions: Retentions,
  nowMs: number,
): CountPlan {
  const endMs = endOf(query, retentions, nowMs);
  const kept = keptGrain(query.fromMs, retentions, nowMs);
  const range = { fromMs: periodStartMs(kept, query.fromMs), toMs: endMs };
  const cut = cutOf(query, range, kept, retentions, nowMs);
  const { periods, nextMs } = pageOf(range, cut, query.limit);
  const page = { fromMs: range.fromMs, toMs: nextMs ?? range.toMs };
  return {
    ...page,
    ...cut,
    note: noteOn(query, range, cut, kept),
    periods,
    pieces: piecesOf(page, cut, periods, { closed, retentions, nowMs }),
    nextMs,
    throughMs,
  };
}

/**
 * Where a range ends so that no sum is cut. After a retention was raised, the beginning of a month may be kept only in a sum of all of
 * it, though its end is kept by the minute.
 */
function endOf({ fromMs, toMs }: Stretch, retentions: Retentions, nowMs: number): number {
  for (const grain of ['month', 'day', 'hour'] as const) {
    const atMs = Math.max(fromMs, periodStartMs(grain, toMs - 1));
    if (!isFiner(keptGrain(atMs, retentions, nowMs), grain)) return periodCeilingMs(grain, toMs);
  }
  return periodCeilingMs('minute', toMs);
}

interface Cut {
  readonly grain: Grain;
  readonly zone: TimeZone;
}

/** The requested grain and zone, or the next that the retained data allows; later pages keep those of the first. */
function cutOf(
  query: CountQuery,
  range: Stretch,
  kept: TimedGrain,
  retentions: Retentions,
  nowMs: number,
): Cut {
  const { by, zone, page } = query;
  const allowed = (grain: Grain, of: TimeZone): grain is TimedGrain =>
    of === UTC || (grain !== 'total' && canCut(range, grain, of, retentions, nowMs));
  if (page === undefined) {
    const grain = coarser<Grain>(by, kept);
    return { grain, zone: allowed(grain, zone) ? zone : UTC };
  }
  const same = range.fromMs === query.fromMs && !isFiner(page.grain, kept) && allowed(page.grain, page.zone);
  if (!same) {
    throw new InvalidQuery(
      `"next" has expired: counts of ${isoSeconds(query.fromMs)} have passed out of retention, so start again without it`,
    );
  }
  return { grain: page.grain, zone: page.zone };
}

/** Maximum points of a page in zones whose midnight is within an hour of UTC's: each such midnight reads an hour's minutes. */
const SPLIT_HOURS_MAX = 366;

/** As many periods of a range as fit a page. */
function pageOf(range: Stretch, { grain, zone }: Cut, limit: number): Pick<CountPlan, 'periods' | 'nextMs'> {
  const { fromMs, toMs } = range;
  if (grain === 'total') return { periods: [{ startMs: fromMs, endMs: toMs }], nextMs: undefined };
  const periods: Period[] = [];
  let most = limit;
  for (const period of periodsOf({ startMs: fromMs, endMs: toMs }, grain, zone)) {
    if (zone !== UTC && period.startMs % HOUR_MS !== 0) most = Math.min(most, SPLIT_HOURS_MAX);
    if (periods.length >= most) return { periods, nextMs: period.startMs };
    periods.push(period);
  }
  return { periods, nextMs: undefined };
}

/** What decides which levels can answer for a time. */
interface Answering {
  readonly closed: Closed;
  readonly retentions: Retentions;
  readonly nowMs: number;
}

/** In UTC, no stored sum as fine as the grain crosses an edge; in other zones each period is covered separately. */
function piecesOf(
  page: Stretch,
  { grain, zone }: Cut,
  periods: readonly Period[],
  answering: Answering,
): readonly Piece[] {
  if (zone === UTC) {
    return cover(
      page,
      UPPER.filter(({ sums }) => !isFiner(grain, sums)),
      answering,
    );
  }
  const pieces: Piece[] = [];
  for (const { startMs, endMs } of periods) {
    const clipped = { fromMs: Math.max(page.fromMs, startMs), toMs: Math.min(page.toMs, endMs) };
    for (const piece of cover(clipped, UPPER, answering)) {
      const last = pieces.at(-1);
      if (last?.level !== piece.level) pieces.push(piece);
      else pieces[pieces.length - 1] = { ...last, toMs: piece.toMs };
    }
  }
  return pieces;
}

/** Covers a range from the first level as far as that is complete and retained, and the rest from finer ones. */
function cover({ fromMs, toMs }: Stretch, upper: typeof UPPER, answering: Answering): readonly Piece[] {
  if (fromMs >= toMs) return [];
  const [coarsest, ...finer] = upper;
  if (coarsest === undefined) return [{ level: 'hours', fromMs, toMs }];
  const { level, sums } = coarsest;
  const endMs = periodStartMs(sums, Math.min(toMs, answering.closed[level]));
  const innerMs = keptFromMs(level, periodCeilingMs(sums, fromMs), endMs, answering);
  if (innerMs >= endMs) return cover({ fromMs, toMs }, finer, answering);
  return [
    ...cover({ fromMs, toMs: innerMs }, finer, answering),
    { level, fromMs: innerMs, toMs: endMs },
    ...cover({ fromMs: endMs, toMs }, finer, answering),
  ];
}

/**
 * The first instant of a range from which a level has its blocks. After a retention was raised, the block of a month may expire
 * before those of its days.
 */
function keptFromMs(
  level: UpperLevel,
  fromMs: number,
  toMs: number,
  { retentions, nowMs }: Answering,
): number {
  for (let atMs = fromMs; atMs < toMs; ) {
    const period = periodAt(level, atMs);
    if (goneAtMs(period, retentions) > nowMs) return atMs;
    atMs = periodEndMs(period);
  }
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
