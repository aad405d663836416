// The body of `POST /v1/admin/redrive`: none, or `{ "max": n }`.

/** A request of redrive. */
export interface RedriveRequest {
  /** The most dead letters to move; undefined: as many as the rate allows in a minute. */
  readonly max: number | undefined;
}

/** A body that is not a valid request; the message says what it may be. */
export class InvalidRedriveRequest extends Error {
  override readonly name = 'InvalidRedriveRequest';
}

const MAX_GREATEST = 1_000_000;
const RULE = `Send no body, or {"max": n} with a whole number n from 1 to ${MAX_GREATEST}.`;

/** Reads a request's body. @throws InvalidRedriveRequest with what is wrong with it */
export function parseRedriveRequest(body: string | null | undefined): RedriveRequest {
  if (body === null || body === undefined || body.trim() === '') return { max: undefined };
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new InvalidRedriveRequest(`The body is not JSON. ${RULE}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidRedriveRequest(`The body is not a JSON object. ${RULE}`);
  const { max, ...others } = value as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw new InvalidRedriveRequest(`${JSON.stringify(other)} is not a known field. ${RULE}`);
  if (max === undefined) return { max };
  if (typeof max !== 'number' || !Number.isInteger(max) || max < 1 || max > MAX_GREATEST)
    throw new InvalidRedriveRequest(`"max" is out of range. ${RULE}`);
  return { max };
}
