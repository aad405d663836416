// Where an answer is read from: each stretch of time from the coarsest level that has it whole, and from one place only.
import type { CountQuery } from './count-query.ts';
import { counterExpiresAt } from './counter-item.ts';
import { coarser, type Grain, grainCeilingMs, grainStartMs, isFiner, type TimedGrain } from './grains.ts';
import { type Claims, itemStartMs, type Level, levelExpiresAt, type RetentionsMs } from './levels.ts';
import { bucketName, isoSeconds } from './time.ts';

/** Where sums may be read: the levels, and the counter items below them. */
export type Source = Level | 'counters';

/** A stretch of time, `fromMs <= t < toMs`, epoch milliseconds. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stretch and where it is read. */
export interface Piece extends Stretch {
  readonly source: Source;
}

/** What is read for a question. */
export interface CountPlan extends Stretch {
  /** The grain of the answer: the one asked for, or the finest that is still kept. */
  readonly grain: Grain;
  /** Why the answer is not the one asked for; undefined when it is. */
  readonly note: string | undefined;
  /** They touch each other and cover the range, each instant once. */
  readonly pieces: readonly Piece[];
  /** The arrival time before which the answer holds everything, epoch milliseconds; 0: nothing can be said. */
  readonly throughMs: number;
}

/** The sources from the coarsest, the grain of the sums in each, and the points that they are fine enough for. */
const SOURCES: readonly { readonly level: Level; readonly sums: TimedGrain }[] = [
  { level: 'total', sums: 'month' },
  { level: 'months', sums: 'day' },
  { level: 'days', sums: 'hour' },
];

/**
 * Plans the reading of an answer.
 * @param claims read before anything that is read by the plan
 * @param nowMs the time of asking: what is past its expiry by then counts as gone
 */
export function planCounts(
  query: CountQuery,
  claims: Claims,
  retentionsMs: RetentionsMs,
  nowMs: number,
): CountPlan {
  const kept = keptGrain(query.fromMs, retentionsMs, nowMs);
  const keptAtEnd = keptGrain(query.toMs - 1, retentionsMs, nowMs);
  const grain = coarser<Grain>(query.by, kept);
  const range = {
    fromMs: grainStartMs(kept, query.fromMs),
    toMs: grainCeilingMs(keptAtEnd, query.toMs),
  };
  const pieces = cover(
    range,
    SOURCES.filter(({ sums }) => !isFiner(grain, sums)),
    claims,
  );
  const throughsMs = pieces.map(({ source }) =>
    source === 'counters' ? claims.throughMs : claims[source === 'days' ? 'days' : 'months'].throughMs,
  );
  return {
    ...range,
    grain,
    note: noteOn(query, { ...range, grain }, kept),
    pieces,
    throughMs: Math.min(claims.throughMs, ...throughsMs),
  };
}

/** The finest grain in which the counts of an instant are still kept. */
function keptGrain(atMs: number, retentionsMs: RetentionsMs, nowMs: number): TimedGrain {
  const isKept = (expiresAt: number | undefined) => expiresAt === undefined || expiresAt * 1000 > nowMs;
  if (isKept(counterExpiresAt(bucketName(grainStartMs('hour', atMs), 60), retentionsMs.counters))) {
    return 'minute';
  }
  const kept = (['days', 'months'] as const).find((level) =>
    isKept(levelExpiresAt({ level, startMs: itemStartMs(level, atMs) }, retentionsMs)),
  );
  return kept === undefined ? 'month' : kept === 'days' ? 'hour' : 'day';
}

/** Covers a stretch from the first source as far as that has it whole, and the rest from finer ones. */
function cover({ fromMs, toMs }: Stretch, sources: typeof SOURCES, claims: Claims): readonly Piece[] {
  if (fromMs >= toMs) return [];
  const [source, ...finer] = sources;
  if (source === undefined) return [{ source: 'counters', fromMs, toMs }];
  const { level, sums } = source;
  const { closedBeforeMs } = claims[level === 'days' ? 'days' : 'months'];
  const innerMs = grainCeilingMs(sums, fromMs);
  const endMs = grainStartMs(sums, Math.min(toMs, closedBeforeMs));
  if (innerMs >= endMs) return cover({ fromMs, toMs }, finer, claims);
  return [
    ...cover({ fromMs, toMs: innerMs }, finer, claims),
    { source: level, fromMs: innerMs, toMs: endMs },
    ...cover({ fromMs: endMs, toMs }, finer, claims),
  ];
}

function noteOn(
  query: CountQuery,
  { fromMs, toMs, grain }: Stretch & { grain: Grain },
  kept: TimedGrain,
): string | undefined {
  const widened = fromMs !== query.fromMs || toMs !== query.toMs;
  if (grain === query.by && !widened) return undefined;
  const what = grain === query.by ? '' : `: counted by ${grain} instead of by ${query.by}`;
  const range = widened ? `; the range is widened to ${isoSeconds(fromMs)} to ${isoSeconds(toMs)}` : '';
  return `of ${isoSeconds(query.fromMs)} no grain finer than the ${kept} is kept any more${what}${range}`;
}
