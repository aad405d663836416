// Interprets the answer to a batch; pure.
import type { HttpAnswer } from './http.ts';

/**
 * `stored`: the whole batch. `again`: resend it unchanged; `mayBeStored` says whether this attempt may have stored it.
 * `invalid`: something in it breaks a rule. `tooLarge`: it exceeds a limit. `hopeless`: resending will not help.
 * In the last three cases nothing is stored.
 */
export type Verdict =
  | { readonly kind: 'stored' }
  | {
      readonly kind: 'again';
      readonly mayBeStored: boolean;
      readonly reason: string;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'invalid' | 'tooLarge' | 'hopeless'; readonly reason: string };

/** The only code that proves that Kinesis has not stored a record of a call it answered. */
const THROTTLED = 'ProvisionedThroughputExceededException';
/** Permanent server errors: 501 and 505. */
const PERMANENT: ReadonlySet<number> = new Set([501, 505]);

/** Interprets the answer to a batch. @param records how many stream records it becomes */
export function verdictOf({ status, body: text, retryAfterMs }: HttpAnswer, records: number): Verdict {
  const body = objectIn(text);
  const message = typeof body['message'] === 'string' ? body['message'] : undefined;
  const reason = `${status} ${message ?? ''}`.trim();
  if (status === 202 && body['accepted'] === records) return { kind: 'stored' };
  if (status === 413) return { kind: 'tooLarge', reason };
  if (status === 400 && message !== undefined) return { kind: 'invalid', reason };
  if (status === 400) return { kind: 'hopeless', reason: `${reason}: is it Tally?` };
  if (status === 429) return { kind: 'again', mayBeStored: false, reason, retryAfterMs };
  if ((status > 400 && status < 500 && status !== 408) || PERMANENT.has(status))
    return { kind: 'hopeless', reason };
  const mayBeStored = !(status === 503 && isThrottled(body, records));
  // This includes a 200 from elsewhere, such as a hotel's sign-in page: Tally may be reachable in a minute.
  return {
    kind: 'again',
    mayBeStored,
    reason: status < 400 ? `${reason}: is it Tally?` : reason,
    retryAfterMs,
  };
}

/** Whether the answer says that Kinesis throttled every record. */
function isThrottled({ accepted, failed }: Readonly<Record<string, unknown>>, records: number): boolean {
  if (accepted !== 0 || !Array.isArray(failed) || failed.length !== records) return false;
  return (failed as readonly unknown[]).every((one, place) => {
    const { index, code } = (one ?? {}) as { readonly index?: unknown; readonly code?: unknown };
    return index === place && code === THROTTLED;
  });
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
