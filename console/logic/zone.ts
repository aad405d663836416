// Instants in time zones; pure. Instants are epoch milliseconds, zones are IANA names.

/** A date and time of day, as a clock in the zone shows it. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(key: string, make: () => Intl.DateTimeFormat): Intl.DateTimeFormat {
  const known = formats.get(key) ?? make();
  formats.set(key, known);
  return known;
}

/** What a clock in the zone shows. */
export function wallTime(atMs: number, tz: string): WallTime {
  const format = formatOf(
    `wall ${tz}`,
    () =>
      new Intl.DateTimeFormat('en-US', {
        timeZone: tz,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
      }),
  );
  const parts = Object.fromEntries(
    format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0 } = parts as Partial<WallTime>;
  return { year, month, day, hour, minute };
}

/** When a clock in the zone shows this. A skipped time is the instant after the change. */
export function instantOf({ year, month, day, hour, minute }: WallTime, tz: string): number {
  const wanted = Date.UTC(year, month - 1, day, hour, minute);
  let atMs = wanted;
  // Twice: the first offset may be the one before a change of clocks.
  for (let round = 0; round < 2; round += 1) {
    const shown = wallTime(atMs, tz);
    const shownMs = Date.UTC(shown.year, shown.month - 1, shown.day, shown.hour, shown.minute);
    atMs += wanted - shownMs;
  }
  return atMs;
}

/** The start of an instant's day, or of a day before. */
export function dayStart(atMs: number, tz: string, daysBefore = 0): number {
  const { year, month, day } = wallTime(atMs, tz);
  return instantOf({ ...startOf(year, month, day - daysBefore), hour: 0, minute: 0 }, tz);
}

/** The start of an instant's week: Monday. */
export function weekStart(atMs: number, tz: string): number {
  const { year, month, day } = wallTime(atMs, tz);
  const sinceMonday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  return dayStart(atMs, tz, sinceMonday);
}

/** The start of an instant's month, or of a month before. */
export function monthStart(atMs: number, tz: string, monthsBefore = 0): number {
  const { year, month } = wallTime(atMs, tz);
  return instantOf({ ...startOf(year, month - monthsBefore, 1), hour: 0, minute: 0 }, tz);
}

/** Carries days and months that are out of range. */
function startOf(year: number, month: number, day: number): Pick<WallTime, 'year' | 'month' | 'day'> {
  const date = new Date(Date.UTC(year, month - 1, day));
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

export type ShownGrain = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'total';

const OPTIONS: Readonly<Record<ShownGrain, Intl.DateTimeFormatOptions>> = {
  minute: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  hour: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' },
  week: { weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' },
  month: { year: 'numeric', month: 'long' },
  total: {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  },
};

/** A time for people. */
export function shownTime(atMs: number, tz: string, grain: ShownGrain): string {
  return formatOf(
    `${grain} ${tz}`,
    () => new Intl.DateTimeFormat('en-GB', { timeZone: tz, ...OPTIONS[grain] }),
  ).format(atMs);
}

/** The time of day, with seconds. */
export function clockTime(atMs: number, tz: string): string {
  return formatOf(
    `clock ${tz}`,
    () => new Intl.DateTimeFormat('en-GB', { timeZone: tz, timeStyle: 'medium' }),
  ).format(atMs);
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
