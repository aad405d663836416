// Parses single parameters of a query string.
import { AT_NUMBER_MIN_MS } from '../core/event.ts';
import { HOURS_KEPT } from '../core/hour-accounts.ts';
import { LATEST_INSTANT_MS, parseInstant } from '../core/time.ts';
import { dateStartMs, type TimeZone } from './calendar.ts';
import { InvalidQuery } from './invalid-query.ts';

/** The parameters of a query string, each given at most once. */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** @throws InvalidQuery if a value is none of those allowed */
export function oneOf<T extends string>(name: string, value: string, values: readonly T[]): T {
  const found = values.find((each) => each === value);
  if (found === undefined) throw new InvalidQuery(`"${name}" must be one of ${values.join(', ')}`);
  return found;
}

/** Whether a parameter is given that has one allowed value. @throws InvalidQuery if it has another */
export function flag(name: string, value: string | undefined, only: string): boolean {
  if (value !== undefined && value !== only) throw new InvalidQuery(`"${name}" can only be "${only}"`);
  return value === only;
}

/** @throws InvalidQuery unless the text is a whole number from `min` to `max` */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const number = /^\d+$/.test(text) && text.length <= String(max).length ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new InvalidQuery(`"${name}" must be a whole number from ${min} to ${max}`);
}

/** How many hours of arrival the pipeline's status includes: 0 to 48, by default 24. @throws InvalidQuery */
export function requestedHours({ hours = '24' }: { readonly hours?: string | undefined }): number {
  return wholeNumber('hours', hours, 0, HOURS_KEPT);
}

const DATE = /^\d{4}-\d\d-\d\d$/;

/** Whether a text is a date without a time. */
export function isDate(text: string | undefined): boolean {
  return text !== undefined && DATE.test(text);
}

/**
 * Parses an instant: ISO 8601, epoch milliseconds, or a date, which means its midnight.
 * @param zone of that midnight
 * @returns epoch milliseconds
 * @throws InvalidQuery naming the parameter and what its text looks like
 */
export function instantIn(name: string, text: string, zone: TimeZone): number {
  const wrong = (must: string) => new InvalidQuery(`"${name}" must ${must}`);
  const number = /^\d{1,19}$/.test(text) ? Number(text) : undefined;
  // 0 is the beginning of all time; other numbers before 2000 are seconds.
  if (number !== undefined && number !== 0 && number < AT_NUMBER_MIN_MS)
    throw wrong(`be epoch milliseconds, and ${text} looks like seconds: did you mean ${text}000?`);
  if (number !== undefined && number > LATEST_INSTANT_MS)
    throw wrong(`be epoch milliseconds, and ${text} looks like micro- or nanoseconds`);
  const instantMs = isDate(text) ? dateStartMs(text, zone) : parseInstant(number ?? text);
  if (instantMs !== undefined) return instantMs;
  if (parseInstant(`${text}Z`) !== undefined)
    throw wrong(`have a zone: ${text}Z, or an offset such as ${text}+02:00`);
  throw wrong(
    'be ISO 8601 with Z or an offset (2026-11-22T05:00:00Z), a date (2026-11-22), or epoch milliseconds',
  );
}
