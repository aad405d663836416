// What the page shows, as its URL says it; pure.
import { ceilTo, floorTo, GRAIN_MS, GRAINS, type Grain, isZone, periodStart } from './zone.ts';

export const VIEWS = ['live', 'counts', 'pipeline', 'break'] as const;
export type View = (typeof VIEWS)[number];

/** Ranges that end now. */
export const RANGES = ['1h', '6h', '24h', '7d', '30d', '12mo'] as const;
type RangeName = (typeof RANGES)[number];

export const TOP_GRAINS = ['hour', 'day', 'month', 'total'] as const;

export interface Question {
  readonly view: View;
  readonly metric: string;
  readonly entity: string;
  readonly range: RangeName;
  /** Chosen by zooming, instead of the range; epoch milliseconds on whole minutes. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  /** Undefined: the default of the range. */
  readonly by: Grain | undefined;
  readonly tz: string;
  readonly compare: boolean;
  readonly top: (typeof TOP_GRAINS)[number];
}

/** A chart is unreadable with more points. */
const POINTS_MAX = 1_500;

/** Reads a URL's search. What is missing or invalid is the default. @param ownTz the default zone */
export function questionIn(search: string, ownTz: string): Question {
  const given = Object.fromEntries(new URLSearchParams(search));
  const { view, metric = '', entity = '', range, from, to, by, tz = '', compare, top } = given;
  const minuteOf = (text = '') => floorTo(GRAIN_MS.minute, Date.parse(text));
  const [fromMs, toMs] = [minuteOf(from), minuteOf(to)];
  // False if one of them is not a number.
  const isRange = fromMs < toMs;
  return {
    view: oneOf(VIEWS, view) ?? 'live',
    metric,
    entity,
    range: oneOf(RANGES, range) ?? '1h',
    fromMs: isRange ? fromMs : undefined,
    toMs: isRange ? toMs : undefined,
    by: oneOf(GRAINS, by),
    tz: isZone(tz) ? tz : ownTz,
    compare: compare === 'previous',
    top: oneOf(TOP_GRAINS, top) ?? 'hour',
  };
}

/** Writes a URL's search, without defaults. */
export function searchOf(question: Question, ownTz: string): string {
  const { view, metric, entity, range, fromMs, toMs, by, tz, compare, top } = question;
  const said = {
    view,
    metric,
    entity,
    range: fromMs === undefined && range !== '1h' && range,
    from: fromMs !== undefined && new Date(fromMs).toISOString(),
    to: toMs !== undefined && new Date(toMs).toISOString(),
    by,
    tz: tz !== ownTz && tz,
    compare: compare && 'previous',
    top: top !== 'hour' && top,
  };
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(said)) if (value) search.set(name, value);
  return `?${search}`;
}

/** The range of a question; one that `moves` ends now. Days, weeks and months begin as in the zone. */
export function rangeOf({ range, fromMs, toMs, by, tz }: Question, nowMs: number) {
  const moves = fromMs === undefined || toMs === undefined;
  const shown: Range = moves ? RANGE_OF[range] : { title: 'This range', lengthMs: toMs - fromMs };
  const { title, lengthMs, first } = shown;
  const endMs = ceilTo(GRAIN_MS.minute, moves ? nowMs : toMs);
  const startMs = first ? periodStart(first[0], nowMs, tz, first[1]) : endMs - lengthMs;
  const grain = fitting(by ?? grainFor(lengthMs), lengthMs);
  return { fromMs: periodStart(grain, startMs, tz), toMs: endMs, by: grain, moves, title };
}

interface Range {
  readonly title: string;
  readonly lengthMs: number;
  /** It starts with a period so many before this one; without it, its length ago. */
  readonly first?: readonly ['day' | 'month', number];
}

const RANGE_OF: Readonly<Record<RangeName, Range>> = {
  '1h': { title: 'Last hour', lengthMs: GRAIN_MS.hour },
  '6h': { title: 'Last 6 hours', lengthMs: 6 * GRAIN_MS.hour },
  '24h': { title: 'Last 24 hours', lengthMs: GRAIN_MS.day },
  '7d': { title: 'Last 7 days', lengthMs: 7 * GRAIN_MS.day },
  '30d': { title: 'Last 30 days', lengthMs: 30 * GRAIN_MS.day, first: ['day', 29] },
  '12mo': { title: 'Last 12 months', lengthMs: 365 * GRAIN_MS.day, first: ['month', 11] },
};

/** The default grain of a length. */
function grainFor(lengthMs: number): Grain {
  if (lengthMs <= 8 * GRAIN_MS.hour) return 'minute';
  if (lengthMs <= 9 * GRAIN_MS.day) return 'hour';
  return lengthMs <= 200 * GRAIN_MS.day ? 'day' : 'month';
}

/** The grain, or the next coarser one that fits into a chart. */
function fitting(by: Grain, lengthMs: number): Grain {
  const coarser = GRAINS.slice(GRAINS.indexOf(by));
  return coarser.find((grain) => lengthMs / GRAIN_MS[grain] <= POINTS_MAX) ?? 'month';
}

function oneOf<T extends string>(values: readonly T[], text: string | undefined): T | undefined {
  return values.find((value) => value === text);
}
