// What the page shows, as its URL says it; pure.
import { ceilTo, dayStart, floorTo, HOUR_MS, isZone, MINUTE_MS, monthStart, weekStart } from './zone.ts';

export const VIEWS = ['live', 'counts', 'pipeline', 'break'] as const;
export type View = (typeof VIEWS)[number];

export const GRAINS = ['minute', 'hour', 'day', 'week', 'month'] as const;
export type Grain = (typeof GRAINS)[number];

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

/** What the URL may leave out. */
type Defaults = Pick<Question, 'tz'>;

const DAY_MS = 86_400_000;
/** A chart is unreadable with more points. */
const POINTS_MAX = 1_500;

/** Reads a URL's search. What is missing or invalid is the default. */
export function questionIn(search: string, defaults: Defaults): Question {
  const given = new URLSearchParams(search);
  const tz = given.get('tz') ?? '';
  const [fromMs, toMs] = [instantIn(given.get('from')), instantIn(given.get('to'))];
  const whole = fromMs !== undefined && toMs !== undefined && fromMs < toMs;
  return {
    view: oneOf(VIEWS, given.get('view')) ?? 'live',
    metric: given.get('metric') ?? '',
    entity: given.get('entity') ?? '',
    range: oneOf(RANGES, given.get('range')) ?? '1h',
    fromMs: whole ? fromMs : undefined,
    toMs: whole ? toMs : undefined,
    by: oneOf(GRAINS, given.get('by')),
    tz: isZone(tz) ? tz : defaults.tz,
    compare: given.get('compare') === 'previous',
    top: oneOf(TOP_GRAINS, given.get('top')) ?? 'hour',
  };
}

/** Writes a URL's search, without defaults. */
export function searchOf(question: Question, defaults: Defaults): string {
  const { view, metric, entity, range, fromMs, toMs, by, tz, compare, top } = question;
  const said: [string, string | undefined][] = [
    ['view', view],
    ['metric', metric || undefined],
    ['entity', entity || undefined],
    ['range', fromMs === undefined && range !== '1h' ? range : undefined],
    ['from', fromMs === undefined ? undefined : new Date(fromMs).toISOString()],
    ['to', toMs === undefined ? undefined : new Date(toMs).toISOString()],
    ['by', by],
    ['tz', tz === defaults.tz ? undefined : tz],
    ['compare', compare ? 'previous' : undefined],
    ['top', top === 'hour' ? undefined : top],
  ];
  const given = said.filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `?${new URLSearchParams(given)}`;
}

/** The range of a question; one that `moves` ends now. Days, weeks and months begin as in the zone. */
export function rangeOf({ range, fromMs, toMs, by, tz }: Question, nowMs: number) {
  const moves = fromMs === undefined || toMs === undefined;
  const endMs = ceilTo(MINUTE_MS, moves ? nowMs : toMs);
  const lengthMs = moves ? RANGE_OF[range].lengthMs : toMs - fromMs;
  const grain = fitting(by ?? grainFor(lengthMs), lengthMs);
  const startMs = moves ? (RANGE_OF[range].startsAt?.(nowMs, tz) ?? endMs - lengthMs) : fromMs;
  const title = moves ? RANGE_OF[range].title : 'This range';
  return { fromMs: alignedStart(startMs, grain, tz), toMs: endMs, by: grain, moves, title };
}

interface Range {
  readonly title: string;
  readonly lengthMs: number;
  /** Without it, it starts its length ago. */
  readonly startsAt?: (nowMs: number, tz: string) => number;
}

const RANGE_OF: Readonly<Record<RangeName, Range>> = {
  '1h': { title: 'Last hour', lengthMs: HOUR_MS },
  '6h': { title: 'Last 6 hours', lengthMs: 6 * HOUR_MS },
  '24h': { title: 'Last 24 hours', lengthMs: DAY_MS },
  '7d': { title: 'Last 7 days', lengthMs: 7 * DAY_MS },
  '30d': { title: 'Last 30 days', lengthMs: 30 * DAY_MS, startsAt: (at, tz) => dayStart(at, tz, 29) },
  '12mo': { title: 'Last 12 months', lengthMs: 365 * DAY_MS, startsAt: (at, tz) => monthStart(at, tz, 11) },
};

/** The length of a grain; the least one of a month. */
export const GRAIN_MS: Readonly<Record<Grain, number>> = {
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 28 * DAY_MS,
};

/** The default grain of a length. */
function grainFor(lengthMs: number): Grain {
  if (lengthMs <= 8 * HOUR_MS) return 'minute';
  if (lengthMs <= 9 * DAY_MS) return 'hour';
  return lengthMs <= 200 * DAY_MS ? 'day' : 'month';
}

/** The grain, or the next coarser one that fits into a chart. */
function fitting(by: Grain, lengthMs: number): Grain {
  const coarser = GRAINS.slice(GRAINS.indexOf(by));
  return coarser.find((grain) => lengthMs / GRAIN_MS[grain] <= POINTS_MAX) ?? 'month';
}

function alignedStart(atMs: number, by: Grain, tz: string): number {
  if (by === 'month') return monthStart(atMs, tz);
  if (by === 'week') return weekStart(atMs, tz);
  if (by === 'day') return dayStart(atMs, tz);
  return floorTo(by === 'hour' ? HOUR_MS : MINUTE_MS, atMs);
}

function instantIn(text: string | null): number | undefined {
  const ms = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : floorTo(MINUTE_MS, ms);
}

function oneOf<const T extends readonly string[]>(values: T, text: string | null): T[number] | undefined {
  return values.find((value) => value === text);
}
