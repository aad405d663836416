// How invocations end.
import type { InvocationOutcome } from '../../../local/functions/protocol.ts';

/** An invocation that succeeded. */
export const done: InvocationOutcome = { ok: true, payload: 'null' };
/** An invocation that failed. */
export const failed: InvocationOutcome = { ok: false, error: { errorType: 'Error', errorMessage: 'no' } };
/** An answer that names failed items. */
export const failItems = (...identifiers: string[]): InvocationOutcome => ({
  ok: true,
  payload: JSON.stringify({ batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })) }),
});

/** Decides on the first invocations one by one; all after them succeed. */
export function inTurn<A extends unknown[]>(
  ...decisions: ((...args: A) => InvocationOutcome | Promise<InvocationOutcome>)[]
) {
  const left = [...decisions];
  return (...args: A) => left.shift()?.(...args) ?? done;
}
