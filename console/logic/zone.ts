// Instants in time zones; pure. Instants are epoch milliseconds, zones are IANA names.

/** A date and time of day, as a clock in the zone shows it. */
type WallTime = Readonly<Record<'year' | 'month' | 'day' | 'hour' | 'minute', number>>;

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

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

export function wallTime(atMs: number, tz: string): WallTime {
  const options: Options = { year: 'numeric', month: 'numeric', day: 'numeric', ...CLOCK };
  const parts = formatOf(tz, 'wall', options).formatToParts(atMs);
  const part = (wanted: string) => Number(parts.find(({ type }) => type === wanted)?.value);
  const [year, month, day] = [part('year'), part('month'), part('day')];
  return { year, month, day, hour: part('hour'), minute: part('minute') };
}

/** When a clock in the zone first shows this. A skipped time is the instant after the change, as in the API. */
export function instantOf(clock: WallTime, tz: string): number {
  const wanted = utcOf(clock);
  const shown = (atMs: number) => utcOf(wallTime(atMs, tz));
  const byOffsetAt = (atMs: number) => wanted + atMs - shown(atMs);
  const before = byOffsetAt(wanted - DAY_MS);
  return [before, byOffsetAt(wanted + DAY_MS)].find((atMs) => shown(atMs) === wanted) ?? before;
}

function utcOf({ year, month, day, hour, minute }: WallTime): number {
  return Date.UTC(year, month - 1, day, hour, minute);
}

/** The start of an instant's day, or of a day before. */
export function dayStart(atMs: number, tz: string, daysBefore = 0): number {
  const { year, month, day } = wallTime(atMs, tz);
  return midnight(year, month, day - daysBefore, tz);
}

/** The start of an instant's week: Monday. */
export function weekStart(atMs: number, tz: string): number {
  const { year, month, day } = wallTime(atMs, tz);
  const sinceMonday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  return midnight(year, month, day - sinceMonday, tz);
}

/** The start of an instant's month, or of a month before. */
export function monthStart(atMs: number, tz: string, monthsBefore = 0): number {
  const { year, month } = wallTime(atMs, tz);
  return midnight(year, month - monthsBefore, 1, tz);
}

/** Days and months may be out of range. */
function midnight(year: number, month: number, day: number, tz: string): number {
  return instantOf({ year, month, day, hour: 0, minute: 0 }, tz);
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
