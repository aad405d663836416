// What the page shows, as its URL says it; pure.
import { dayStart, isZone, monthStart, weekStart } from './zone.ts';

export const VIEWS = ['live', 'counts', 'pipeline', 'break'] as const;
export type View = (typeof VIEWS)[number];

export const GRAINS = ['minute', 'hour', 'day', 'week', 'month'] as const;
export type Grain = (typeof GRAINS)[number];

/** Ranges that end now. */
export const RANGES = ['1h', '6h', '24h', '7d', '30d', '12mo'] as const;
export type RangeName = (typeof RANGES)[number];

export const TOP_GRAINS = ['hour', 'day', 'month', 'total'] as const;
export type TopGrain = (typeof TOP_GRAINS)[number];

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
  readonly top: TopGrain;
}

/** What the URL may leave out. */
export interface Defaults {
  readonly tz: string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
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

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly by: Grain;
  /** Whether it ends now. */
  readonly moves: boolean;
}

/** The range of a question. Days, weeks and months begin where they do in the zone. */
export function rangeOf({ range, fromMs, toMs, by, tz }: Question, nowMs: number): TimeRange {
  if (fromMs !== undefined && toMs !== undefined) {
    const grain = fitting(by ?? grainFor(toMs - fromMs), toMs - fromMs);
    return { fromMs: alignedStart(fromMs, grain, tz), toMs: ceil(toMs, MINUTE_MS), by: grain, moves: false };
  }
  const endMs = ceil(nowMs, MINUTE_MS);
  const { lengthMs, grain: suggested } = RANGE_OF[range];
  const grain = fitting(by ?? suggested, lengthMs);
  const startMs =
    range === '12mo'
      ? monthStart(nowMs, tz, 11)
      : range === '30d'
        ? dayStart(nowMs, tz, 29)
        : endMs - lengthMs;
  return { fromMs: alignedStart(startMs, grain, tz), toMs: endMs, by: grain, moves: true };
}

const RANGE_OF: Readonly<Record<RangeName, { readonly lengthMs: number; readonly grain: Grain }>> = {
  '1h': { lengthMs: HOUR_MS, grain: 'minute' },
  '6h': { lengthMs: 6 * HOUR_MS, grain: 'minute' },
  '24h': { lengthMs: DAY_MS, grain: 'hour' },
  '7d': { lengthMs: 7 * DAY_MS, grain: 'hour' },
  '30d': { lengthMs: 30 * DAY_MS, grain: 'day' },
  '12mo': { lengthMs: 365 * DAY_MS, grain: 'month' },
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
  return floor(atMs, by === 'hour' ? HOUR_MS : MINUTE_MS);
}

function floor(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs;
}

function ceil(ms: number, stepMs: number): number {
  return Math.ceil(ms / stepMs) * stepMs;
}

function instantIn(text: string | null): number | undefined {
  const ms = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : floor(ms, MINUTE_MS);
}

function oneOf<const T extends readonly string[]>(values: T, text: string | null): T[number] | undefined {
  return values.find((value) => value === text);
}
