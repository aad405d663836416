// What an answer of `POST /v1/events` says about the events that were sent; pure.

import { retryAfterMs } from './backoff.ts';
import type { Answer, RequestFailed } from './http-client.ts';

/**
 * `stored`: all of them. `partly`: all but `left`; `certain` says that those are surely not stored. `refused`: surely none, try again.
 * `unknown`: perhaps, try again. `invalid`: none, at least one breaks the rules. `tooLarge`: none, send fewer at once.
 * `fatal`: trying again is of no use; `certain` says that none is stored.
 */
export type Outcome =
  | { readonly kind: 'stored' }
  | {
      readonly kind: 'partly';
      readonly left: ReadonlySet<number>;
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

/** @param count how many events the request held */
export function outcomeOf(answer: Answer, count: number, nowMs: number): Outcome {
  const body = objectOf(answer.body);
  const reason = `${answer.status} ${textOf(body['message']) ?? ''}`.trim();
  const wait = retryAfterMs(answer.retryAfter, nowMs);
  switch (answer.status) {
    case 202:
      if (body['accepted'] === count) return { kind: 'stored' };
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
      return partlyStored(body, count, reason, wait) ?? { kind: 'unknown', reason, retryAfterMs: wait };
    case 408:
      return { kind: 'unknown', reason, retryAfterMs: wait };
    default:
      if (answer.status >= 500) return { kind: 'unknown', reason, retryAfterMs: wait };
      return { kind: 'fatal', certain: answer.status >= 300, reason };
  }
}

/** What a request without an answer says. */
export function outcomeOfFailure(error: RequestFailed): Outcome {
  return { kind: error.mayHaveArrived ? 'unknown' : 'refused', reason: error.message, retryAfterMs: 0 };
}

function partlyStored(
  body: Readonly<Record<string, unknown>>,
  count: number,
  reason: string,
  wait: number,
): Outcome | undefined {
  const failed = body['failed'];
  if (!Array.isArray(failed) || failed.length === 0) return undefined;
  const left = new Set<number>();
  let certain = true;
  for (const one of failed as readonly unknown[]) {
    if (typeof one !== 'object' || one === null || !('index' in one)) return undefined;
    const { index } = one;
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count)
      return undefined;
    left.add(index);
    certain &&= 'code' in one && one.code === throttled;
  }
  // An answer that contradicts itself proves nothing about any of the events.
  if (body['accepted'] !== count - left.size) return undefined;
  return { kind: 'partly', left, certain, reason, retryAfterMs: wait };
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
