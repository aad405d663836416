// How long to wait before a retry.

/** Doubling bounds with full jitter, so that many clients do not retry at once. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * The wait after a failure, in milliseconds.
 * @param failures number of consecutive failed requests, from 1
 * @param random in [0, 1)
 * @param retryAfterMs the service's request, a lower bound
 */
export function waitMs(backoff: Backoff, failures: number, random: number, retryAfterMs: number): number {
  const boundMs = Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(retryAfterMs + random * boundMs);
}

/** A Retry-After header in milliseconds from `nowMs`: seconds or a date; 0 if it is missing or invalid. */
export function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  if (/^\d{1,6}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - nowMs);
}
