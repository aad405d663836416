// Reading a question for the pipeline's status: of how many hours.
import { HOURS_KEPT } from '../core/hour-books.ts';

/** A question for the status that cannot be answered; the message says which parameter and what it may be. */
export class InvalidStatusQuery extends Error {
  override readonly name = 'InvalidStatusQuery';
}

/** How many hours an answer has unless it is asked for more or less. */
const HOURS_DEFAULT = 24;

/**
 * Of how many hours of arrival the accounts are asked for.
 * @param parameters `hours`: 0 to 48, 24 if left out
 * @throws InvalidStatusQuery when it is anything else
 */
export function hoursAsked(parameters: Readonly<Record<string, string | undefined>>): number {
  const text = parameters['hours'];
  if (text === undefined) return HOURS_DEFAULT;
  const hours = Number(text);
  if (!/^\d{1,2}$/.test(text) || hours > HOURS_KEPT)
    throw new InvalidStatusQuery(`"hours" must be a whole number from 0 to ${HOURS_KEPT}`);
  return hours;
}
