// A proxy between a client and a front door: a test decides the outcome of each request that sends events.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/**
 * The outcome of a request. `reset-before`: the connection breaks, the service never sees it. `reset-after`: the
 * service has done its work, and then the connection breaks. `mid-answer`: it breaks within the answer. `stuck`: the
 * service has done its work, and the answer never comes. A number: that status, without the service.
 */
export type ProxyFault = 'pass' | 'reset-before' | 'reset-after' | 'mid-answer' | 'stuck' | 429 | 500 | 503;

/** A proxy. */
export interface FaultyProxy {
  readonly url: string;
  /** Asked for every POST, in turn. */
  decide: (index: number) => ProxyFault;
  readonly requests: number;
  stop(): Promise<void>;
}

/** Starts a proxy in front of a service. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const proxy = {
    url: '',
    requests: 0,
    decide: (_: number): ProxyFault => 'pass',
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const sent = await buffer(incoming);
    const fault = incoming.method === 'POST' ? proxy.decide(proxy.requests++) : 'pass';
    if (typeof fault === 'number') {
      outgoing.writeHead(fault, { 'content-type': 'application/json', 'retry-after': '0' });
      outgoing.end('{"message":"not now"}');
      return;
    }
    if (fault === 'reset-before') {
      outgoing.destroy();
      return;
    }
    const { status, headers, body } = await forward(incoming, sent);
    if (fault === 'reset-after') outgoing.destroy();
    else if (fault === 'mid-answer') {
      outgoing.writeHead(status, headers);
      outgoing.write(body.subarray(0, 3), () => outgoing.destroy());
    } else if (fault === 'pass') outgoing.writeHead(status, headers).end(body);
  }

  async function forward({ method, url, headers }: IncomingMessage, body: Buffer) {
    const { host: _, ...rest } = headers;
    const sent = request(`${target}${url}`, { method, headers: { ...rest, connection: 'close' } });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const { connection: __, 'transfer-encoding': ___, ...answered } = answer.headers;
    return { status: answer.statusCode ?? 0, headers: answered, body: await buffer(answer) };
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
