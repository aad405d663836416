// Where an answer is read from: each stretch of time from the coarsest level that has it whole, and from one level only.
import type { Level, Retentions, UpperLevel } from '../core/level.ts';
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
import { type CountQuery, InvalidCountQuery, type Stretch } from './count-query.ts';
import { canCut, keptGrain } from './kept-grain.ts';

/** A stretch and the level that answers for it. */
export interface Piece extends Stretch {
  readonly level: Level;
}

/** For each upper level, the instant before which it has everything, epoch milliseconds; 0: nothing. */
export type Closed = Readonly<Record<UpperLevel, number>>;

/** What is read for a question: its range, or as much of it as a page holds. */
export interface CountPlan extends Stretch {
  /** The grain of the answer: the one asked for, or the finest that is still kept. */
  readonly grain: Grain;
  /** Whose hours, days, weeks and months they are: the zone asked for, or UTC where the retained data is too coarse for it. */
  readonly zone: TimeZone;
  /** Why the answer is not the one asked for; undefined when it is. */
  readonly note: string | undefined;
  /** The minutes, hours, days, weeks or months of the answer, in order and without holes; one for `total`. */
  readonly periods: readonly Period[];
  /** They touch each other and cover the range, each instant once; no sum of a level reaches over the edge of a period. */
  readonly pieces: readonly Piece[];
  /** Where the next page starts; undefined: this one goes to the end. */
  readonly nextMs: number | undefined;
  /** The arrival time before which the answer holds everything, epoch milliseconds; 0: nothing is known yet. */
  readonly throughMs: number;
}

/** The upper levels from the coarsest, and the grain of the sums in each. */
const UPPER: readonly { readonly level: UpperLevel; readonly sums: TimedGrain }[] = [
  { level: 'all', sums: 'month' },
  { level: 'months', sums: 'day' },
  { level: 'days', sums: 'hour' },
];

/**
 * Plans the reading of an answer.
 * @param closed read before anything that is read by the plan
 * @param throughMs the claim, read before `closed`
 * @param nowMs the time of asking: what is past its expiry by then counts as gone
 * @throws InvalidCountQuery when what the pages before were made of is not kept any more
 */
export function planCounts(
  query: CountQuery,
  closed: Closed,
  throughMs: number,
  retentions: Retentions,
  nowMs: number,
): CountPlan {
  const keptAtEnd = keptGrain(query.toMs - 1, retentions, nowMs);
  const endMs = periodCeilingMs(keptAtEnd, query.toMs);
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
    pieces: piecesOf(page, cut, periods, closed),
    nextMs,
    throughMs,
  };
}

/** What the points of an answer are. */
interface Cut {
  readonly grain: Grain;
  readonly zone: TimeZone;
}

/** The grain and zone asked for, or the next that what is kept allows; later pages keep those of the first. */
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
    throw new InvalidCountQuery(
      `"next" has expired: counts of ${isoSeconds(query.fromMs)} have passed out of retention, so start again without it`,
    );
  }
  return { grain: page.grain, zone: page.zone };
}

/** Most points of a page in zones whose midnight lies within an hour of UTC: at each, the minutes of that hour are read. */
const SPLIT_HOURS_MAX = 366;

/** The periods of a range, as many as a page holds. */
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

/** In UTC no sum of a level that is as fine as the grain reaches over an edge; elsewhere each period is covered by itself. */
function piecesOf(
  page: Stretch,
  { grain, zone }: Cut,
  periods: readonly Period[],
  closed: Closed,
): readonly Piece[] {
  if (zone === UTC) {
    return cover(
      page,
      UPPER.filter(({ sums }) => !isFiner(grain, sums)),
      closed,
    );
  }
  const pieces: Piece[] = [];
  for (const { startMs, endMs } of periods) {
    const clipped = { fromMs: Math.max(page.fromMs, startMs), toMs: Math.min(page.toMs, endMs) };
    for (const piece of cover(clipped, UPPER, closed)) {
      const last = pieces.at(-1);
      if (last?.level !== piece.level) pieces.push(piece);
      else pieces[pieces.length - 1] = { ...last, toMs: piece.toMs };
    }
  }
  return pieces;
}

/** Covers a stretch from the first level as far as that has it whole, and the rest from finer ones. */
function cover({ fromMs, toMs }: Stretch, upper: typeof UPPER, closed: Closed): readonly Piece[] {
  if (fromMs >= toMs) return [];
  const [coarsest, ...finer] = upper;
  if (coarsest === undefined) return [{ level: 'hours', fromMs, toMs }];
  const { level, sums } = coarsest;
  const innerMs = periodCeilingMs(sums, fromMs);
  const endMs = periodStartMs(sums, Math.min(toMs, closed[level]));
  if (innerMs >= endMs) return cover({ fromMs, toMs }, finer, closed);
  return [
    ...cover({ fromMs, toMs: innerMs }, finer, closed),
    { level, fromMs: innerMs, toMs: endMs },
    ...cover({ fromMs: endMs, toMs }, finer, closed),
  ];
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
