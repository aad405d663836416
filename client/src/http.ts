// One request and its answer, with a timeout.
import { retryAfterMs } from './backoff.ts';
import type { Settings } from './options.ts';
import type { Platform } from './platform.ts';

/** An answer as the client reads it. */
export interface HttpAnswer {
  readonly status: number;
  /** The Retry-After header; 0 if absent. */
  readonly retryAfterMs: number;
  readonly body: string;
}

/** A read that failed: Tally answered something other than 200, or did not answer. */
export class TallyError extends Error {
  override readonly name = 'TallyError';
  /** The status of the answer; undefined if there was none. */
  readonly status: number | undefined;
  /** How long Tally asks to wait before a retry; 0 if it does not say. */
  readonly retryAfterMs: number;
  /** Whether no connection was made, so that nothing can have arrived; false if unknown, as in browsers. */
  readonly neverSent: boolean;

  constructor(
    message: string,
    details: { status?: number; retryAfterMs?: number; neverSent?: boolean; cause?: unknown } = {},
  ) {
    const { status, retryAfterMs = 0, neverSent = false, ...options } = details;
    super(message, options);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.neverSent = neverSent;
  }
}

export interface HttpRequest {
  /** Relative to the service's address, such as `/v1/status`. */
  readonly path: string;
  /** A request with a body is a POST. */
  readonly body?: string | undefined;
  /** Whether the browser finishes it after the page is gone. */
  readonly keepalive?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Sends a request. @throws TallyError without a status if there is no answer in time */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

/** Requests by fetch. */
export function httpOf({ url, apiKey, timeoutMs }: Settings, platform: Platform): Http {
  return async ({ path, body, keepalive = false, signal }) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers: Record<string, string> = { accept: 'application/json' };
    if (apiKey !== undefined) headers['x-api-key'] = apiKey;
    // JSON requires a preflight, and a page being left cannot wait for its answer.
    const isPlain = keepalive && apiKey === undefined;
    if (body !== undefined) headers['content-type'] = isPlain ? 'text/plain' : 'application/json';

    const isStopped = signal?.aborted === true;
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort);
    const late = () => stop.abort(new Error(`no answer within ${timeoutMs} ms`));
    const cancel = platform.setTimer(late, timeoutMs, false);
    const fetched = async (): Promise<HttpAnswer> => {
      const answer = await platform.fetch(`${url}${path}`, {
        method,
        headers,
        ...(body !== undefined && { body }),
        ...(keepalive && { keepalive }),
        signal: stop.signal,
        redirect: 'error',
      });
      const asked = retryAfterMs(answer.headers.get('retry-after'), platform.nowMs());
      // The timeout includes the body: an answer may begin and never end.
      return { status: answer.status, retryAfterMs: asked, body: await answer.text() };
    };
    try {
      signal?.throwIfAborted();
      // A wrapped fetch may ignore the signal.
      return await Promise.race([fetched(), aborted(stop.signal)]);
    } catch (cause) {
      const { cause: deeper } = (cause ?? {}) as { readonly cause?: { readonly code?: unknown } };
      const neverSent = isStopped || NO_CONNECTION.has(deeper?.code);
      throw new TallyError(`${method} ${path}: ${reasonOf(cause)}`, { neverSent, cause });
    } finally {
      cancel();
      signal?.removeEventListener('abort', abort);
    }
  };
}

/** Rejects when the signal fires. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

/** Node's error codes that can occur only before there is a connection. */
const NO_CONNECTION: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** An error in words. Node's fetch says no more than "fetch failed"; its cause says why. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== ''
    ? `${error.message}: ${cause.message}`
    : error.message;
}
