// The HTTP shell of the systems that Tally is compared with: the same routes, nothing more than they need.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { BenchEvent } from './workload.ts';

/** What counts behind the shell. */
export interface Counter {
  /** Counts the events of one request, each by itself. */
  count(events: readonly BenchEvent[], nowMs: number): Promise<void>;
  /** A counter's minutes of an hour, by number. */
  minutes(metric: string, entity: string, hourMs: number): Promise<ReadonlyMap<number, number>>;
}

/** A listening server. */
export interface CountingServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Serves `POST /v1/events` (202 when every event is counted), `GET /v1/counts/{metric}/{entity}?from=` for one hour by minute,
 * and `GET /v1/status`.
 */
export async function serveCounter(counter: Counter, port = 0): Promise<CountingServer> {
  let counted = 0;
  const take = async (body: string, outgoing: ServerResponse) => {
    const { events } = JSON.parse(body) as { events: BenchEvent[] };
    await counter.count(events, Date.now());
    counted += events.length;
    answer(outgoing, 202, { accepted: events.length });
  };
  const read = async (url: URL, outgoing: ServerResponse) => {
    const [, , , metric = '', entity = ''] = url.pathname.split('/').map(decodeURIComponent);
    const fromMs = Date.parse(url.searchParams.get('from') ?? '');
    const minutes = await counter.minutes(metric, entity, fromMs);
    const points = [...minutes].map(([minute, n]) => ({
      at: new Date(fromMs + minute * 60_000).toISOString(),
      n,
    }));
    answer(outgoing, 200, { metric, entity, by: 'minute', points });
  };
  const server = createServer({ keepAliveTimeout: 65_000 }, async (incoming, outgoing) => {
    try {
      const url = new URL(incoming.url ?? '/', 'http://localhost');
      if (incoming.method === 'POST') await take(await text(incoming), outgoing);
      else if (url.pathname === '/v1/status') answer(outgoing, 200, { counted });
      else await read(url, outgoing);
    } catch (error) {
      answer(outgoing, 503, { message: String(error) });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(outgoing: ServerResponse, status: number, body: object): void {
  const json = JSON.stringify(body);
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(json),
  });
  outgoing.end(json);
}
