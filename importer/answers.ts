// What an answer to events that were sent says about them; pure.

import { retryAfterMs } from './backoff.ts';
import type { Answer, RequestFailed } from './http-client.ts';

/**
 * `stored`: all of them. `partly`: all but `left`; `certain` says that those are surely not stored. `refused`: surely none, try again.
 * `unknown`: perhaps, try again. `invalid`: none, at least one breaks the rules. `tooLarge`: none, send fewer at once.
 * `fatal`: trying again is of no use; `certain` says that none is stored.
 */
export type Outcome<E> =
  | { readonly kind: 'stored' }
  | {
      readonly kind: 'partly';
      readonly left: readonly E[];
      readonly certain: boolean;
      readonly reason: string;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'refused' | 'unknown'; readonly reason: string; readonly retryAfterMs: number }
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'tooLarge' }
  | { readonly kind: 'fatal'; readonly certain: boolean; readonly reason: string };

/** The only reason for which Kinesis has surely not stored a record of a call it answered. */
const throttled = 'ProvisionedThroughputExceededException';

/** @param records the events of each record that the request asked for; an answer counts and numbers records */
export function outcomeOf<E>(answer: Answer, records: readonly (readonly E[])[], nowMs: number): Outcome<E> {
  const body = objectOf(answer.body);
  const reason = `${answer.status} ${textOf(body['message']) ?? ''}`.trim();
  const wait = retryAfterMs(answer.retryAfter, nowMs);
  switch (answer.status) {
    case 202:
      if (body['accepted'] === records.length) return { kind: 'stored' };
      return {
        kind: 'fatal',
        certain: false,
        reason: 'its 202 does not say that all were accepted: is it Tally?',
      };
    case 400:
      return { kind: 'invalid', reason: textOf(body['message']) ?? '400' };
    case 413:
      return { kind: 'tooLarge' };
    case 429:
      return { kind: 'refused', reason, retryAfterMs: wait };
    case 503:
      return partlyStored(body, records, reason, wait) ?? { kind: 'unknown', reason, retryAfterMs: wait };
    case 408:
      return { kind: 'unknown', reason, retryAfterMs: wait };
    default:
      if (answer.status >= 500) return { kind: 'unknown', reason, retryAfterMs: wait };
      return { kind: 'fatal', certain: answer.status >= 300, reason };
  }
}

/** What a request without an answer says. */
export function outcomeOfFailure(error: RequestFailed): Outcome<never> {
  return { kind: error.mayHaveArrived ? 'unknown' : 'refused', reason: error.message, retryAfterMs: 0 };
}

function partlyStored<E>(
  body: Readonly<Record<string, unknown>>,
  records: readonly (readonly E[])[],
  reason: string,
  wait: number,
): Outcome<E> | undefined {
  const failed = body['failed'];
  if (!Array.isArray(failed) || failed.length === 0) return undefined;
  const left = new Set<number>();
  let certain = true;
  for (const one of failed as readonly unknown[]) {
    if (typeof one !== 'object' || one === null || !('index' in one)) return undefined;
    const { index } = one;
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= records.length)
      return undefined;
    left.add(index);
    certain &&= 'code' in one && one.code === throttled;
  }
  // An answer that contradicts itself proves nothing about any of the events.
  if (body['accepted'] !== records.length - left.size) return undefined;
  const events = records.filter((_, place) => left.has(place)).flat();
  return { kind: 'partly', left: events, certain, reason, retryAfterMs: wait };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
