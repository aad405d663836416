// Times as they stand in logs, turned into epoch milliseconds. A time without a zone is UTC.

/** How a time is written; `auto` tells by its looks, see `parseTime`. */
export type TimeUnit = 'auto' | 's' | 'ms' | 'us' | 'iso';

export const timeUnits: readonly TimeUnit[] = ['auto', 's', 'ms', 'us', 'iso'];

const daysInMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Epoch milliseconds of a UTC date and time, month counted from 1; undefined if there is no such time. */
export function utcMs(
  y: number,
  mo: number,
  d: number,
  h: number,
  mi: number,
  s: number,
): number | undefined {
  const days = mo === 2 && (y % 4 !== 0 || (y % 100 === 0 && y % 400 !== 0)) ? 28 : daysInMonth[mo - 1];
  if (days === undefined || d < 1 || d > days || h > 23 || mi > 59 || s > 59) return undefined;
  return Date.UTC(y, mo - 1, d, h, mi, s);
}

const isoPattern =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|z| ?([+-])(\d\d):?(\d\d))?$/;

/** ISO 8601 as logs write it: `T` or a space, seconds and fraction optional, zone optional (then UTC). */
export function parseIso(text: string): number | undefined {
  const m = isoPattern.exec(text);
  if (!m) return undefined;
  const base = utcMs(Number(m[1]), Number(m[2]), Number(m[3]), Number(m[4]), Number(m[5]), Number(m[6] ?? 0));
  const zone = m[8] === undefined ? 0 : zoneMs(m[8], Number(m[9]), Number(m[10]));
  if (base === undefined || zone === undefined) return undefined;
  const fractionMs = m[7] === undefined ? 0 : Number(m[7].padEnd(3, '0').slice(0, 3));
  return base + fractionMs - zone;
}

/** The zone's distance from UTC in milliseconds; undefined if there is no such zone. */
export function zoneMs(sign: string, hours: number, minutes: number): number | undefined {
  if (hours > 18 || minutes > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

const numberPattern = /^\d{1,19}(?:\.\d{1,9})?$/;
const msPerUnit = { s: 1000, ms: 1, us: 0.001 } as const;

/** Number of digits before the point up to which a number is taken for this unit by `auto`. */
const secondsDigitsMax = 11;
const millisecondsDigitsMax = 14;

/**
 * A time given as text. With `auto` a number of up to 11 digits is seconds, of up to 14 milliseconds, beyond that
 * microseconds, and anything else must be ISO 8601.
 */
export function parseTime(text: string, unit: TimeUnit): number | undefined {
  if (unit === 'iso') return parseIso(text);
  if (!numberPattern.test(text)) return unit === 'auto' ? parseIso(text) : undefined;
  const point = text.indexOf('.');
  const digits = point === -1 ? text.length : point;
  const known = unit === 'auto' ? unitOfDigits(digits) : unit;
  const ms = Math.floor(Number(text) * msPerUnit[known]);
  return ms <= 8.64e15 ? ms : undefined;
}

function unitOfDigits(digits: number): 's' | 'ms' | 'us' {
  if (digits <= secondsDigitsMax) return 's';
  return digits <= millisecondsDigitsMax ? 'ms' : 'us';
}
