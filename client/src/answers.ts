// Interprets the answer to a batch; pure.
import type { HttpAnswer } from './http.ts';
import { jsonIn } from './json.ts';

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

/** Interprets the answer to a batch. @param records how many stream records it becomes */
export function verdictOf({ status, body: text, retryAfterMs }: HttpAnswer, records: number): Verdict {
  const body = (jsonIn(text) ?? {}) as Readonly<Record<string, unknown>>;
  const message = typeof body['message'] === 'string' ? body['message'] : undefined;
  const reason = `${status} ${message ?? ''}`.trim();
  if (status === 202 && body['accepted'] === records) return { kind: 'stored' };
  if (status === 413) return { kind: 'tooLarge', reason };
  if (status === 400 && message !== undefined) return { kind: 'invalid', reason };
  if (status === 400) return { kind: 'hopeless', reason: `${reason}: is it Tally?` };
  const isClientError = status > 400 && status < 500 && status !== 408 && status !== 429;
  if (isClientError || status === 501 || status === 505) return { kind: 'hopeless', reason };
  return {
    kind: 'again',
    mayBeStored: status !== 429 && !(status === 503 && isThrottled(body, records)),
    // A 200 from elsewhere, such as a hotel's sign-in page: Tally may be reachable in a minute.
    reason: status < 400 ? `${reason}: is it Tally?` : reason,
    retryAfterMs,
  };
}

/** Whether the answer says that Kinesis throttled every record. */
function isThrottled({ accepted, failed }: Readonly<Record<string, unknown>>, records: number): boolean {
  if (accepted !== 0 || !Array.isArray(failed) || failed.length !== records) return false;
  const those: readonly ({ readonly index?: unknown; readonly code?: unknown } | null)[] = failed;
  return those.every((one, place) => one?.index === place && one.code === THROTTLED);
}
