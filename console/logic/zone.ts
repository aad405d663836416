// Instants in time zones; pure. Instants are epoch milliseconds, zones are IANA names.

const DAY_MS = 86_400_000;

/** The length of a grain; the least one of a month. */
export const GRAIN_MS = {
  minute: 60_000,
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 28 * DAY_MS,
};
export type Grain = keyof typeof GRAIN_MS;
export const GRAINS = Object.keys(GRAIN_MS) as Grain[];

export const floorTo = (stepMs: number, atMs: number) => Math.floor(atMs / stepMs) * stepMs;
export const ceilTo = (stepMs: number, atMs: number) => Math.ceil(atMs / stepMs) * stepMs;

type Options = Intl.DateTimeFormatOptions;

const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const satisfies Options;
const DATE = { year: 'numeric', month: 'short', day: 'numeric' } as const satisfies Options;
const SHOWN = {
  minute: { month: 'short', day: 'numeric', ...CLOCK },
  hour: { month: 'short', day: 'numeric', ...CLOCK },
  day: { weekday: 'short', ...DATE },
  week: { weekday: 'short', ...DATE },
  month: { year: 'numeric', month: 'long' },
  total: { ...DATE, ...CLOCK },
} as const satisfies Record<string, Options>;

export type ShownGrain = keyof typeof SHOWN;

const formats = new Map<string, Intl.DateTimeFormat>();

/** A format is expensive to make. */
function formatOf(tz: string, name: string, options: Options): Intl.DateTimeFormat {
  const key = `${name} ${tz}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat('en-GB', { timeZone: tz, ...options });
  formats.set(key, format);
  return format;
}

export function shownTime(atMs: number, tz: string, grain: ShownGrain): string {
  return formatOf(tz, grain, SHOWN[grain]).format(atMs);
}

/** The time of day, after the date unless that is today's. */
export function clockTime(atMs: number, tz: string, nowMs: number): string {
  const time = formatOf(tz, 'clock', { timeStyle: 'medium' }).format(atMs);
  const date = (ms: number) => formatOf(tz, 'date', DATE).format(ms);
  return date(atMs) === date(nowMs) ? time : `${date(atMs)}, ${time}`;
}

/** What a clock in the zone shows: the instant when a clock in UTC shows the same date and minute. */
export function wallTime(atMs: number, tz: string): number {
  const options: Options = { year: 'numeric', month: 'numeric', day: 'numeric', ...CLOCK };
  const parts = formatOf(tz, 'wall', options).formatToParts(atMs);
  const part = (wanted: string) => Number(parts.find(({ type }) => type === wanted)?.value);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'));
}

/** When a clock in the zone first shows this. A skipped time is the instant after the change, as in the API. */
export function instantOf(wallMs: number, tz: string): number {
  const byOffsetAt = (atMs: number) => wallMs + atMs - wallTime(atMs, tz);
  const before = byOffsetAt(wallMs - DAY_MS);
  return [before, byOffsetAt(wallMs + DAY_MS)].find((atMs) => wallTime(atMs, tz) === wallMs) ?? before;
}

/**
 * The start of an instant's minute, hour, day, week from Monday, or month.
 * @param back how many days or months before
 */
export function periodStart(grain: Grain, atMs: number, tz: string, back = 0): number {
  if (grain === 'minute' || grain === 'hour') return floorTo(GRAIN_MS[grain], atMs);
  const start = new Date(floorTo(DAY_MS, wallTime(atMs, tz)));
  if (grain === 'month') start.setUTCMonth(start.getUTCMonth() - back, 1);
  else start.setUTCDate(start.getUTCDate() - (grain === 'day' ? back : (start.getUTCDay() + 6) % 7));
  return instantOf(start.getTime(), tz);
}

/** Whether the platform knows a zone by this name. */
export function isZone(tz: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: tz });
    return /^[A-Za-z]/.test(tz);
  } catch {
    return false;
  }
}
