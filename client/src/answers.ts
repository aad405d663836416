// What an answer to events that were sent, alone or in packs, says about them; pure.
import type { HttpAnswer } from './http.ts';

/**
 * `stored`: all of them. `partly`: all but `left`, of which the answer knows of those in `unsure` only that they may be.
 * `refused`: surely none, try again. `unknown`: perhaps, try again. `invalid`: none, at least one breaks a rule.
 * `tooLarge`: none, send fewer at once. `forbidden`: none, and trying again is of no use.
 */
export type Outcome<E> =
  | { readonly kind: 'stored' }
  | {
      readonly kind: 'partly';
      readonly left: ReadonlySet<E>;
      readonly unsure: ReadonlySet<E>;
      readonly reason: string;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'refused' | 'unknown'; readonly reason: string; readonly retryAfterMs: number }
  | { readonly kind: 'invalid' | 'tooLarge' | 'forbidden'; readonly reason: string };

/** The only reason for which Kinesis has surely not stored a record of a call it answered. */
const THROTTLED = 'ProvisionedThroughputExceededException';

/** @param records the events of each record that the request asked for; an answer counts and numbers records */
export function outcomeOf<E>(
  { status, body: text, retryAfterMs }: HttpAnswer,
  records: readonly (readonly E[])[],
): Outcome<E> {
  const body = objectIn(text);
  const message = typeof body['message'] === 'string' ? body['message'] : '';
  const reason = `${status} ${message}`.trim();
  if (status === 202 && body['accepted'] === records.length) return { kind: 'stored' };
  if (status === 400) return { kind: 'invalid', reason };
  if (status === 413) return { kind: 'tooLarge', reason };
  if (status === 429) return { kind: 'refused', reason, retryAfterMs };
  if (status >= 400 && status < 500 && status !== 408) return { kind: 'forbidden', reason };
  const partly = status === 503 ? partlyStored(body, records) : undefined;
  if (partly !== undefined) return { kind: 'partly', ...partly, reason, retryAfterMs };
  // Also a 200 that is not Tally's, such as a hotel's sign-in page: the way to Tally may be open in a minute.
  return { kind: 'unknown', reason: status < 400 ? `${reason}: is it Tally?` : reason, retryAfterMs };
}

function partlyStored<E>(
  { failed, accepted }: Readonly<Record<string, unknown>>,
  records: readonly (readonly E[])[],
): { readonly left: ReadonlySet<E>; readonly unsure: ReadonlySet<E> } | undefined {
  if (!Array.isArray(failed) || failed.length === 0) return undefined;
  const left = new Set<number>();
  const unsure = new Set<number>();
  for (const one of failed as readonly unknown[]) {
    const { index, code } = (one ?? {}) as { readonly index?: unknown; readonly code?: unknown };
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= records.length)
      return undefined;
    left.add(index);
    if (code !== THROTTLED) unsure.add(index);
  }
  // An answer that contradicts itself proves nothing about any of the events.
  if (accepted !== records.length - left.size) return undefined;
  const eventsOf = (places: ReadonlySet<number>) =>
    new Set([...places].flatMap((place) => records[place] ?? []));
  return { left: eventsOf(left), unsure: eventsOf(unsure) };
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
