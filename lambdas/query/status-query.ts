// Parses the query of the pipeline's status: how many hours.
import { HOURS_KEPT } from '../core/hour-accounts.ts';
import { InvalidQuery } from './invalid-query.ts';

/** The default number of hours in an answer. */
const HOURS_DEFAULT = 24;

/**
 * The number of hours of arrival requested.
 * @param parameters `hours`: 0 to 48, by default 24
 * @throws InvalidQuery for anything else
 */
export function requestedHours(parameters: Readonly<Record<string, string | undefined>>): number {
  const text = parameters['hours'];
  if (text === undefined) return HOURS_DEFAULT;
  const hours = Number(text);
  if (!/^\d{1,2}$/.test(text) || hours > HOURS_KEPT)
    throw new InvalidQuery(`"hours" must be a whole number from 0 to ${HOURS_KEPT}`);
  return hours;
}
