// Where an answer is read from: each stretch of time from the coarsest level that has it whole, and from one place only.
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
import type { Claims, Level, RetentionsMs } from './levels.ts';
import { HOUR_MS, isoSeconds } from './time.ts';

/** Where sums may be read: the levels, and the counter items below them. */
export type Source = Level | 'counters';

/** A stretch and where it is read. */
export interface Piece extends Stretch {
  readonly source: Source;
}

/** What is read for a question: its range, or as much of it as a page holds. */
export interface CountPlan extends Stretch {
  /** The grain of the answer: the one asked for, or the finest that is still kept. */
  readonly grain: Grain;
  /** Whose days and months they are: the zone asked for, or UTC where its days can not be cut out of what is kept. */
  readonly zone: TimeZone;
  /** Why the answer is not the one asked for; undefined when it is. */
  readonly note: string | undefined;
  /** The minutes, hours, days or months of the answer, in order and without holes; one for `total`. */
  readonly periods: readonly Period[];
  /** They touch each other and cover the range, each instant once; no sum of a level reaches over the edge of a period. */
  readonly pieces: readonly Piece[];
  /** Where the next page starts; undefined: this one goes to the end. */
  readonly nextMs: number | undefined;
  /** The arrival time before which the answer holds everything, epoch milliseconds; 0: nothing can be said. */
  readonly throughMs: number;
}

/** The levels from the coarsest, and the grain of the sums in each. */
const SOURCES: readonly { readonly level: Level; readonly sums: TimedGrain }[] = [
  { level: 'total', sums: 'month' },
  { level: 'months', sums: 'day' },
  { level: 'days', sums: 'hour' },
];

/**
 * Plans the reading of an answer.
 * @param claims read before anything that is read by the plan
 * @param nowMs the time of asking: what is past its expiry by then counts as gone
 * @throws InvalidCountQuery when what the pages before were made of is not kept any more
 */
export function planCounts(
  query: CountQuery,
  claims: Claims,
  retentionsMs: RetentionsMs,
  nowMs: number,
): CountPlan {
  const keptAtEnd = keptGrain(query.toMs - 1, retentionsMs, nowMs);
  const endMs = periodCeilingMs(keptAtEnd, query.toMs);
  const kept = keptGrain(query.fromMs, retentionsMs, nowMs);
  const range = { fromMs: periodStartMs(kept, query.fromMs), toMs: endMs };
  const cut = cutOf(query, range, kept, retentionsMs, nowMs);
  const { periods, nextMs } = pageOf(range, cut, query.limit);
  const page = { fromMs: range.fromMs, toMs: nextMs ?? range.toMs };
  const pieces = piecesOf(page, cut, periods, claims);
  const throughsMs = pieces.map(({ source }) =>
    source === 'counters' ? claims.throughMs : claims[source === 'days' ? 'days' : 'months'].throughMs,
  );
  return {
    ...page,
    ...cut,
    note: noteOn(query, range, cut, kept),
    periods,
    pieces,
    nextMs,
    throughMs: Math.min(claims.throughMs, ...throughsMs),
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
  retentionsMs: RetentionsMs,
  nowMs: number,
): Cut {
  const { by, zone, page } = query;
  const allowed = (grain: Grain, of: TimeZone): grain is TimedGrain =>
    of === UTC || (grain !== 'total' && canCut(range, grain, of, retentionsMs, nowMs));
  if (page === undefined) {
    const grain = coarser<Grain>(by, kept);
    return { grain, zone: allowed(grain, zone) ? zone : UTC };
  }
  const same = range.fromMs === query.fromMs && !isFiner(page.grain, kept) && allowed(page.grain, page.zone);
  if (!same) {
    throw new InvalidCountQuery(
      `since the page before, counts of ${isoSeconds(query.fromMs)} have passed out of retention: ask anew`,
    );
  }
  return { grain: page.grain, zone: page.zone };
}

/**
 * Most points of a page in zones whose midnight lies within an hour of UTC: at each, that hour's minutes are read by
 * themselves.
 */
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
  claims: Claims,
): readonly Piece[] {
  if (zone === UTC) {
    const sources = SOURCES.filter(({ sums }) => !isFiner(grain, sums));
    return cover(page, sources, claims);
  }
  const pieces: Piece[] = [];
  for (const { startMs, endMs } of periods) {
    const clipped = { fromMs: Math.max(page.fromMs, startMs), toMs: Math.min(page.toMs, endMs) };
    for (const piece of cover(clipped, SOURCES, claims)) {
      const last = pieces.at(-1);
      if (last?.source !== piece.source) pieces.push(piece);
      else pieces[pieces.length - 1] = { ...last, toMs: piece.toMs };
    }
  }
  return pieces;
}

/** Covers a stretch from the first source as far as that has it whole, and the rest from finer ones. */
function cover({ fromMs, toMs }: Stretch, sources: typeof SOURCES, claims: Claims): readonly Piece[] {
  if (fromMs >= toMs) return [];
  const [source, ...finer] = sources;
  if (source === undefined) return [{ source: 'counters', fromMs, toMs }];
  const { level, sums } = source;
  const { closedBeforeMs } = claims[level === 'days' ? 'days' : 'months'];
  const innerMs = periodCeilingMs(sums, fromMs);
  const endMs = periodStartMs(sums, Math.min(toMs, closedBeforeMs));
  if (innerMs >= endMs) return cover({ fromMs, toMs }, finer, claims);
  return [
    ...cover({ fromMs, toMs: innerMs }, finer, claims),
    { source: level, fromMs: innerMs, toMs: endMs },
    ...cover({ fromMs: endMs, toMs }, finer, claims),
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
  if (zone !== query.zone)
    notes.push(`${grain}s of UTC: those of ${query.zone} can not be told from what is kept`);
  if (widened) notes.push(`the range is widened to ${isoSeconds(range.fromMs)} to ${isoSeconds(range.toMs)}`);
  if (notes.length === 0) return undefined;
  const reason =
    query.page === undefined
      ? `of ${isoSeconds(query.fromMs)} no grain finer than the ${kept} is kept any more`
      : 'as on the page before';
  return `${reason}: ${notes.join('; ')}`;
}
