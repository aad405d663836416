// Reading a request for an audit: which hours, and which share of the work.
import { HOUR_MS, isoSeconds, parseInstant } from './time.ts';

/** What is to be audited. Bounds are epoch milliseconds on whole hours; the slice counts from 0. */
export interface AuditRequest {
  readonly fromMs: number;
  readonly toMs: number;
  readonly slice: { readonly index: number; readonly count: number };
}

/** A request for an audit that can not be met; the message says which parameter and what it may be. */
export class InvalidAuditRequest extends Error {
  override readonly name = 'InvalidAuditRequest';
}

/** Most shares that one audit is cut into. */
export const SLICES_MAX = 10_000;

/**
 * Reads a request for an audit.
 * @param parameters `from` and `to` (ISO 8601 or epoch milliseconds, whole hours), `slice` (`0/16`; default all at once)
 * @throws InvalidAuditRequest naming the parameter that is wrong
 */
export function parseAuditRequest(
  parameters: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): AuditRequest {
  const fromMs = wholeHour('from', parameters['from']);
  const toMs = wholeHour('to', parameters['to']);
  if (fromMs >= toMs) throw new InvalidAuditRequest('"from" must be before "to"');
  if (toMs > nowMs) throw new InvalidAuditRequest(`"to" must be over: only closed hours are audited`);
  return { fromMs, toMs, slice: sliceIn(parameters['slice'] ?? '0/1') };
}

function wholeHour(name: string, text: string | undefined): number {
  const instantMs = parseInstant(text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : text);
  if (instantMs === undefined) {
    throw new InvalidAuditRequest(
      `"${name}" must be ISO 8601 with a zone (2026-11-22T05:00:00Z) or epoch milliseconds`,
    );
  }
  if (instantMs % HOUR_MS !== 0) {
    const earlier = isoSeconds(instantMs - (instantMs % HOUR_MS));
    throw new InvalidAuditRequest(`"${name}" must be a whole hour, such as ${earlier}`);
  }
  return instantMs;
}

function sliceIn(text: string): AuditRequest['slice'] {
  const match = /^(\d{1,5})\/(\d{1,5})$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || count < 1 || count > SLICES_MAX || index >= count) {
    throw new InvalidAuditRequest(`"slice" must be like 0/16: a share, from 0, of at most ${SLICES_MAX}`);
  }
  return { index, count };
}
