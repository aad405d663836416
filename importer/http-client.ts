// A small HTTP client that keeps connections alive and tells requests that surely never arrived from those that may have.

import http from 'node:http';
import https from 'node:https';
import { messageOf, systemCode, UsageError } from './errors.ts';

export interface Answer {
  readonly status: number;
  /** The Retry-After header as it stands. */
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** A request without an answer. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  /** Whether the service may have received it: false only if no connection was made. */
  readonly mayHaveArrived: boolean;

  constructor(message: string, mayHaveArrived: boolean, cause: unknown) {
    super(message, { cause });
    this.mayHaveArrived = mayHaveArrived;
  }
}

export interface HttpClient {
  /** Posts JSON to a path below the base address. Throws RequestFailed. */
  post(path: string, body: string, signal?: AbortSignal): Promise<Answer>;
  /** Gets a path below the base address; the path is sent exactly as given. Throws RequestFailed. */
  get(path: string, signal?: AbortSignal): Promise<Answer>;
  close(): void;
}

export interface HttpSettings {
  /** Without a slash at its end, see `baseUrl`. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly connectionsMax: number;
}

/** The address of a service, checked, without a slash at its end. Throws UsageError. */
export function baseUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError(`--url takes the address of a running Tally, as http://127.0.0.1:3000, not ${text}`);
  }
  if (url.search || url.hash) throw new UsageError('--url takes an address without ? and #');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

export function httpClient(settings: HttpSettings): HttpClient {
  const base = new URL(settings.url);
  const secure = base.protocol === 'https:';
  const library = secure ? https : http;
  const agent = new library.Agent({ keepAlive: true, maxSockets: settings.connectionsMax });
  const prefix = base.pathname.replace(/\/+$/, '');
  const common: Record<string, string> =
    settings.apiKey === undefined ? {} : { 'x-api-key': settings.apiKey };

  function send(
    method: string,
    path: string,
    body: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let connected = false;
      const contentHeaders =
        body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const request = library.request(
        {
          agent,
          method,
          hostname: base.hostname.replace(/^\[|\]$/g, ''),
          port: base.port,
          path: `${prefix}${path}`,
          headers: { accept: 'application/json', ...common, ...contentHeaders },
          ...(signal ? { signal } : {}),
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', fail);
          response.on('end', () => {
            clearTimeout(timer);
            const header = response.headers['retry-after'];
            resolve({
              status: response.statusCode ?? 0,
              retryAfter: header,
              body: Buffer.concat(parts).toString('utf8'),
            });
          });
        },
      );
      const timer = setTimeout(() => request.destroy(new Error('no answer in time')), settings.timeoutMs);
      function fail(error: unknown): void {
        clearTimeout(timer);
        // Where several addresses were tried, Node's error has a code but no message.
        const reason = messageOf(error) || systemCode(error) || 'no connection';
        reject(new RequestFailed(reason, connected, error));
      }
      request.on('error', fail);
      request.on('socket', (socket) => {
        if (!socket.connecting) connected = true;
        else
          socket.once(secure ? 'secureConnect' : 'connect', () => {
            connected = true;
          });
      });
      request.end(body);
    });
  }

  return {
    post: (path, body, signal) => send('POST', path, body, signal),
    get: (path, signal) => send('GET', path, undefined, signal),
    close: () => agent.destroy(),
  };
}
