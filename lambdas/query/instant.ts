// Parses instants in a query string, and suggests what an invalid one probably means.
import { AT_NUMBER_MIN_MS } from '../core/event.ts';
import { LATEST_INSTANT_MS, parseInstant } from '../core/time.ts';
import { dateStartMs, type TimeZone } from './calendar.ts';
import { InvalidQuery } from './invalid-query.ts';

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
