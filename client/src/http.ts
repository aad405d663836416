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
  readonly method: 'GET' | 'POST';
  /** Relative to the service's address, such as `/v1/status`. */
  readonly path: string;
  readonly body?: string;
  /** Whether the browser finishes it after the page is gone. */
  readonly keepalive?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Sends a request. @throws TallyError without a status if there is no answer in time */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

/** Requests by fetch. */
export function httpOf(
  { url, apiKey, timeoutMs }: Pick<Settings, 'url' | 'apiKey' | 'timeoutMs'>,
  platform: Platform,
): Http {
  const common: Record<string, string> = { accept: 'application/json' };
  if (apiKey !== undefined) common['x-api-key'] = apiKey;

  // JSON requires a preflight, and a page being left cannot wait for its answer.
  const typeOf = (keepalive: boolean | undefined) =>
    keepalive === true && apiKey === undefined ? 'text/plain' : 'application/json';

  return async ({ method, path, body, keepalive, signal }) => {
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason ?? new Error('aborted'));
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort);
    const late = () => stop.abort(new Error(`no answer within ${timeoutMs} ms`));
    const cancel = platform.setTimer(late, timeoutMs, false);
    let isSent = false;
    try {
      stop.signal.throwIfAborted();
      isSent = true;
      const fetched = async (): Promise<HttpAnswer> => {
        const answer = await platform.fetch(`${url}${path}`, {
          method,
          headers: body === undefined ? common : { ...common, 'content-type': typeOf(keepalive) },
          ...(body === undefined ? {} : { body }),
          ...(keepalive === true ? { keepalive } : {}),
          signal: stop.signal,
          redirect: 'error',
        });
        const asked = retryAfterMs(answer.headers.get('retry-after'), platform.nowMs());
        // The timeout includes the body: an answer may begin and never end.
        return { status: answer.status, retryAfterMs: asked, body: await answer.text() };
      };
      // A wrapped fetch may ignore the signal.
      return await Promise.race([fetched(), aborted(stop.signal)]);
    } catch (cause) {
      const neverSent = !isSent || NO_CONNECTION.has(codeOf(cause));
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
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Node's error codes that can occur only before there is a connection. */
const NO_CONNECTION: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function codeOf(error: unknown): unknown {
  const { cause } = (error ?? {}) as { readonly cause?: { readonly code?: unknown } };
  return cause?.code;
}

/** Node's fetch says no more than "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== ''
    ? `${error.message}: ${cause.message}`
    : error.message;
}
