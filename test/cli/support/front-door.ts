// A small front door in this process: accepts events, counts them by id, and fails as a test requests.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An event of a batch, with the id that the batch's key and its place give it. */
export interface TakenEvent {
  readonly id: string;
  readonly metric: string;
  readonly entity: string;
  readonly at: number;
}

/**
 * The outcome of a request. `ok`: stored, 202. `reset`: the connection breaks, nothing is stored. `store-reset`:
 * stored, and then the connection breaks. `store-503`: stored, but answered with 503. `throttle`: 429.
 */
export type Fault = 'ok' | 'reset' | 'store-reset' | 'store-503' | 'throttle' | 'forbidden' | 'too-large';

export type Script = (request: number, events: readonly TakenEvent[]) => Fault | Promise<Fault>;

interface Wanted {
  readonly batch?: string;
  readonly events?: (Omit<TakenEvent, 'id'> & { readonly id?: string })[];
}

export class FrontDoor {
  /** How often each id was stored. */
  readonly stored = new Map<string, number>();
  /** Counts by `metric entity minute`, each id once. */
  readonly counts = new Map<string, number>();
  readonly apiKeys: (string | undefined)[] = [];
  requests = 0;
  /** Malformed requests refused. */
  malformed = 0;
  script: Script = () => 'ok';
  /** Events for which a request is refused with 400. */
  refuses: (event: TakenEvent) => boolean = () => false;
  /** Its reported identity; undefined: none. */
  service: Readonly<Record<string, string>> | undefined = { stack: 'Tally-test', id: 'one', generation: '1' };
  /** Accounts to answer instead of the true ones. */
  status: (() => Record<string, unknown>) | undefined;
  /** What answers about the top say of themselves. */
  topNote: { readonly note?: string } = {};
  #waiting: (() => void)[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<FrontDoor> {
    const server = createServer((request, response) => {
      door.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    const door = new FrontDoor(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return door;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** All events counted, each id once. */
  get total(): number {
    return [...this.counts.values()].reduce((sum, n) => sum + n, 0);
  }

  /** Ids stored more than once; a service would have dropped the later ones within its dedup window. */
  get repeated(): number {
    return [...this.stored.values()].filter((times) => times > 1).length;
  }

  /** Resolves when so many different events are stored. */
  async untilStored(count: number): Promise<void> {
    while (this.stored.size < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    // Not with URL, which would resolve an entity such as `..`.
    const [pathname = '/', search] = (request.url ?? '/').split('?');
    if (request.method === 'POST') {
      if (pathname === '/v1/counts:batch') {
        const { queries } = JSON.parse(body) as {
          queries: Record<string, string>[];
        };
        const seconds = (text: string | undefined) => Date.parse(text ?? '') / 1000;
        const answers = queries.map(({ metric = '', entity = '', from, to }) =>
          this.#points(metric, entity, seconds(from), seconds(to)),
        );
        return json(response, 200, { answers });
      }
      this.apiKeys.push(request.headers['x-api-key']?.toString());
      const wanted = JSON.parse(body) as Wanted;
      const { batch = '', events = [] } = wanted;
      const named = batch !== '' || events.every(({ id }) => id !== undefined);
      if (!named || events.length === 0 || events.length > 500) {
        this.malformed += 1;
        json(response, 400, { message: 'events: 1 to 500 of a batch' });
      } else
        await this.#post(
          events.map((event, place) => ({
            ...event,
            id: batch === '' ? String(event.id) : `${batch}#${place}`,
          })),
          request,
          response,
          batch === '' ? events.length : 1,
        );
    } else if (pathname === '/v1/status') {
      json(response, 200, { ...(this.status?.() ?? this.#accounts()), service: this.service });
    } else if (pathname.startsWith('/v1/top/')) {
      this.#top(pathname.slice('/v1/top/'.length), new URLSearchParams(search), response);
    } else {
      this.#query(pathname, new URLSearchParams(search), response);
    }
  }

  async #post(
    events: readonly TakenEvent[],
    request: IncomingMessage,
    response: ServerResponse,
    records: number,
  ): Promise<void> {
    if (events.some(this.refuses)) return json(response, 400, { message: 'an event is wrong' });
    switch (await this.script(this.requests++, events)) {
      case 'ok':
        return this.#taken(events, response, records);
      case 'reset':
        request.socket.destroy();
        return;
      case 'store-reset':
        this.#store(events);
        request.socket.destroy();
        return;
      case 'store-503':
        this.#store(events);
        return json(response, 503, { message: 'try again' }, '1');
      case 'throttle':
        return json(response, 429, { message: 'too many requests' }, '1');
      case 'forbidden':
        return json(response, 403, { message: 'Forbidden' });
      case 'too-large':
        return events.length > 3 ? json(response, 413, {}) : this.#taken(events, response, records);
    }
  }

  #taken(events: readonly TakenEvent[], response: ServerResponse, records: number): void {
    this.#store(events);
    json(response, 202, { accepted: records });
  }

  #store(events: readonly TakenEvent[]): void {
    for (const { id, metric, entity, at } of events) {
      const times = this.stored.get(id) ?? 0;
      this.stored.set(id, times + 1);
      if (times > 0) continue;
      const key = `${metric} ${entity} ${Math.floor(at / 60_000) * 60}`;
      this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #accounts(): Record<string, unknown> {
    const received = [...this.stored.values()].reduce((sum, times) => sum + times, 0);
    const counted = this.stored.size;
    const none = { unread: 0, rejected: 0, inFlight: 0, dead: 0, parked: 0, expired: 0, lost: 0 };
    return { received, counted, duplicate: received - counted, ...none };
  }

  /** The top of a day, an hour or a month, as the start of ISO 8601 names it. */
  #top(metric: string, search: URLSearchParams, response: ServerResponse): void {
    const characters = { hour: 13, day: 10, month: 7 }[search.get('by') ?? 'day'] ?? 0;
    const period = (atMs: number) => new Date(atMs).toISOString().slice(0, characters);
    const sums = new Map<string, number>();
    for (const [key, n] of this.counts) {
      const [, name, entity = '', minute] = /^(\S+) (.*) (\d+)$/.exec(key) ?? [];
      if (name !== metric || period(Number(minute) * 1000) !== period(Number(search.get('at')))) continue;
      sums.set(entity, (sums.get(entity) ?? 0) + n);
    }
    const entries = [...sums]
      .map(([entity, n]) => ({ entity, n }))
      .sort((a, b) => b.n - a.n || (a.entity < b.entity ? -1 : 1))
      .slice(0, Number(search.get('k')));
    json(response, 200, { metric, entries, ...this.topNote });
  }

  #query(pathname: string, search: URLSearchParams, response: ServerResponse): void {
    const [, metric = '', entity = ''] = /^\/v1\/counts\/([^/]+)\/([^/]+)$/.exec(pathname) ?? [];
    const from = Date.parse(search.get('from') ?? '') / 1000;
    const to = Date.parse(search.get('to') ?? '') / 1000;
    if (search.get('by') !== 'total' && !(to - from <= 31 * 86_400)) {
      json(response, 400, { message: 'at most 31 days of minutes' });
      return;
    }
    json(response, 200, this.#points(metric, decodeURIComponent(entity), from, to));
  }

  #points(metric: string, entity: string, from: number, to: number) {
    const prefix = `${metric} ${entity} `;
    const points = [...this.counts]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, n]) => ({ minute: Number(key.slice(prefix.length)), n }))
      .filter(({ minute }) => minute >= from && minute < to)
      .map(({ minute, n }) => ({ at: new Date(minute * 1000).toISOString().replace('.000Z', 'Z'), n }));
    return { metric, entity, points, total: 0, completeThrough: null };
  }
}

function json(response: ServerResponse, status: number, body: unknown, retryAfter?: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
  });
  response.end(JSON.stringify(body));
}
