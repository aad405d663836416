// Parses times in logs into epoch milliseconds. A time without a zone is UTC.

/** The format of a time; `auto` detects it, see `parseTime`. */
export const TIME_UNITS = ['auto', 's', 'ms', 'us', 'ns', 'iso'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The offset from UTC in milliseconds of `Z`, `UTC`, `+00`, `+0000` or `+00:00`; 0 if there is none. */
function zoneMs(zone: string | undefined): number | undefined {
  const m = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? '');
  if (m === null) return 0;
  const [hours, minutes] = [Number(m[2]), Number(m[3] ?? 0)];
  if (hours > 18 || minutes > 59) return undefined;
  return (m[1] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/**
 * Epoch milliseconds of a local date and time: year, month from 1, day, hour, minute, second.
 * Undefined if it does not exist. A leap second belongs to the minute it ends.
 */
function instant(clock: readonly number[], fraction = '', zone?: string): number | undefined {
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = clock;
  const day = new Date(Date.UTC(y, mo - 1, d));
  const isDay = day.getUTCFullYear() === y && day.getUTCMonth() === mo - 1 && day.getUTCDate() === d;
  const offset = zoneMs(zone);
  if (!isDay || h > 23 || mi > 59 || s > 60 || offset === undefined) return undefined;
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3));
  return Date.UTC(y, mo - 1, d, h, mi, Math.min(s, 59), ms) - offset;
}

const ISO =
  /^(\d{4})[-/]?(\d\d)[-/]?(\d\d)(?:[Tt ]?(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)? ?(?:(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?: [A-Z]{3,5}|\[[\w/+-]+\])?)?$/;

/** ISO 8601 in its extended or basic form; seconds, fraction and zone are optional, the zone's name may follow, and a date alone means its midnight. */
export function parseIso(text: string): number | undefined {
  const m = ISO.exec(text);
  if (m === null) return undefined;
  return instant([m[1], m[2], m[3], m[4] ?? 0, m[5] ?? 0, m[6] ?? 0].map(Number), m[7], m[8]);
}

const CLF = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?: ([+-]\d{4}))?$/;
let lastClf = '';
let lastClfMs: number | undefined;

/** `03/Nov/2026:09:00:00 +0100`, as in the common log format. Adjacent lines often have the same time, so the last result is cached. */
export function parseClf(text: string): number | undefined {
  if (text === lastClf) return lastClfMs;
  const m = CLF.exec(text);
  const month = MONTHS.indexOf(m?.[2] ?? '') + 1;
  const at = m ? instant([m[3], month, m[1], m[4], m[5], m[6]].map(Number), m[7], m[8]) : undefined;
  lastClf = text;
  lastClfMs = at;
  return at;
}

const NUMBER = /^(\d{1,20})(?:\.(\d*))?(?:[eE]\+?(\d{1,2}))?$/;
/** Powers of ten from a unit to milliseconds. */
const EXPONENT = { s: 3, ms: 0, us: -3, ns: -6 } as const;
const LATEST_MS = 253_402_300_799_999;

/**
 * Parses a time. With `auto`, a number of up to 11 digits is seconds, up to 14 milliseconds, up to 17 microseconds, and beyond that
 * nanoseconds, but one that looks like YYYYMMDD, YYYYMMDDhhmm or YYYYMMDDhhmmss is refused; anything else must be ISO 8601 or the
 * common log format's.
 * @returns epoch milliseconds; undefined if it is invalid, or beyond the year 9999
 */
export function parseTime(text: string, unit: TimeUnit): number | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (unit === 'iso') return parseIso(bare);
  const m = NUMBER.exec(bare);
  if (m === null) return unit === 'auto' ? (parseIso(bare) ?? parseClf(bare)) : undefined;
  if (unit === 'auto' && isCalendarNumber(bare)) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = m;
  const digits = `${whole}${fraction}`.replace(/^0+(?=\d)/, '');
  /** How many of the digits come before the point. */
  const point = Number(exponent) + digits.length - fraction.length;
  const known = unit === 'auto' ? unitOfDigits(point) : unit;
  // Moves the point in the text: a product would round nanoseconds into the next minute.
  const end = point + EXPONENT[known];
  const ms = end <= 0 ? 0 : Number(digits.padEnd(end, '0').slice(0, end));
  return ms <= LATEST_MS ? ms : undefined;
}

function unitOfDigits(digits: number): 's' | 'ms' | 'us' | 'ns' {
  if (digits <= 11) return 's';
  if (digits <= 14) return 'ms';
  return digits <= 17 ? 'us' : 'ns';
}

/** Whether a number looks like a date of the years 1970 to 2099: read as seconds or milliseconds it would be decades off. */
export function isCalendarNumber(text: string): boolean {
  return /^(?:19[7-9]|20\d)\d(?:\d{4}|\d{8}|\d{10})$/.test(text) && parseIso(text) !== undefined;
}
