// A small front door in this process: takes events, counts them by id, and fails the way a test asks it to.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TakenEvent {
  readonly id: string;
  readonly metric: string;
  readonly entity: string;
  readonly at: number;
}

/**
 * What becomes of a request. `ok`: stored, 202. `reset`: the connection breaks, nothing is stored. `store-reset`:
 * stored, and then the connection breaks. `store-503`: stored, and the answer says nothing of it. `throttle`: 429.
 * `partly`: every other record is stored. `partly-unsure`: the same, but the others may be stored too, and are.
 */
export type Fault =
  | 'ok'
  | 'reset'
  | 'store-reset'
  | 'store-503'
  | 'throttle'
  | 'partly'
  | 'partly-unsure'
  | 'forbidden'
  | 'too-large';

export type Script = (request: number, events: readonly TakenEvent[]) => Fault | Promise<Fault>;

interface Wanted {
  readonly events?: TakenEvent[];
}

export class FrontDoor {
  /** How often each id was stored. */
  readonly stored = new Map<string, number>();
  /** Counts by `metric entity minute`, each id once. */
  readonly counts = new Map<string, number>();
  readonly apiKeys: (string | undefined)[] = [];
  requests = 0;
  /** How many requests were refused for their form. */
  malformed = 0;
  /** How many records were asked for. */
  records = 0;
  script: Script = () => 'ok';
  /** Events for which a request is refused with 400. */
  refuses: (event: TakenEvent) => boolean = () => false;
  /** Accounts to answer instead of the true ones. */
  status: (() => Record<string, unknown>) | undefined;
  /** What answers about the top say of themselves. */
  topNote: { readonly note?: string } = {};
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

  /** Ids stored more than once; a service would have dropped the later ones within its dedup window. */
  get repeated(): number {
    return [...this.stored.values()].filter((times) => times > 1).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    // Not with URL, which would resolve an entity such as `..`.
    const [pathname = '/', search] = (request.url ?? '/').split('?');
    if (request.method === 'POST') {
      this.apiKeys.push(request.headers['x-api-key']?.toString());
      const wanted = JSON.parse(Buffer.concat(parts).toString()) as Wanted;
      if (wanted.events === undefined || wanted.events.length > 500) {
        this.malformed += 1;
        json(response, 400, { message: 'events: 1 to 500' });
      } else {
        const records = wanted.events.map((event) => [event]);
        await this.#post(records, request, response);
      }
    } else if (pathname === '/v1/status') {
      json(response, 200, this.status?.() ?? this.#accounts());
    } else if (pathname.startsWith('/v1/top/')) {
      this.#top(pathname.slice('/v1/top/'.length), new URLSearchParams(search), response);
    } else {
      this.#query(pathname, new URLSearchParams(search), response);
    }
  }

  /** @param records the events of each record that the request asks for */
  async #post(
    records: readonly (readonly TakenEvent[])[],
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const events = records.flat();
    if (events.length === 0) return json(response, 400, { message: 'at least one event' });
    if (events.some(this.refuses)) return json(response, 400, { message: 'an event is wrong' });
    const fault = await this.script(this.requests++, events);
    this.records += records.length;
    const failed = records.map((_, index) => index).filter((index) => index % 2 === 1);
    switch (fault) {
      case 'ok':
        return this.#taken(records, response);
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
        return events.length > 3 ? json(response, 413, {}) : this.#taken(records, response);
      case 'partly':
      case 'partly-unsure': {
        if (failed.length === 0) return this.#taken(records, response);
        const unsure = fault === 'partly-unsure';
        this.#store(unsure ? events : records.filter((_, index) => !failed.includes(index)).flat());
        const code = unsure ? 'InternalFailure' : 'ProvisionedThroughputExceededException';
        const accepted = records.length - failed.length;
        return json(response, 503, { accepted, failed: failed.map((index) => ({ index, code })) }, '1');
      }
    }
  }

  #taken(records: readonly (readonly TakenEvent[])[], response: ServerResponse): void {
    this.#store(records.flat());
    json(response, 202, { accepted: records.length });
  }

  #store(events: readonly TakenEvent[]): void {
    for (const { id, metric, entity, at } of events) {
      const times = this.stored.get(id) ?? 0;
      this.stored.set(id, times + 1);
      if (times > 0) continue;
      const key = `${metric} ${entity} ${Math.floor(at / 60_000) * 60}`;
      this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    }
  }

  #accounts(): Record<string, unknown> {
    const received = [...this.stored.values()].reduce((sum, times) => sum + times, 0);
    const counted = this.stored.size;
    const none = { rejected: 0, inFlight: 0, dead: 0, parked: 0, expired: 0, lost: 0 };
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
    if (!(to - from <= 31 * 86_400)) {
      json(response, 400, { message: 'at most 31 days of minutes' });
      return;
    }
    const prefix = `${metric} ${decodeURIComponent(entity)} `;
    const points = [...this.counts]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, n]) => ({ minute: Number(key.slice(prefix.length)), n }))
      .filter(({ minute }) => minute >= from && minute < to)
      .map(({ minute, n }) => ({ at: new Date(minute * 1000).toISOString().replace('.000Z', 'Z'), n }));
    json(response, 200, { metric, entity, points });
  }
}

function json(response: ServerResponse, status: number, body: unknown, retryAfter?: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
  });
  response.end(JSON.stringify(body));
}
