// The HTTP server of the API: kept connections, early answers to uploads that are too large, a stop that ends.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { finished } from 'node:stream';
import { LocalStackError } from '../errors.ts';
import type { Api } from './api.ts';
import type { GatewayAnswer } from './gateway-responses.ts';
import { headBytesMax, refuseConnection } from './refused-connections.ts';
import { bodyBytesMax } from './request.ts';

/** A listening API. */
export interface ApiServer {
  readonly url: string;
  /** Takes no more requests, waits up to `graceMs` for those that are being answered. */
  stop(graceMs: number): Promise<void>;
}

/** What is read and thrown away of an upload that was refused, so that the client gets to read why. */
const drainedBytesMax = 64 * 1024 * 1024;
const drainMsMax = 5_000;

/**
 * Listens on 127.0.0.1.
 * @param port the port wanted, and whether the next free one will do
 * @throws LocalStackError when the port is taken
 */
export async function startApiServer(api: Api, port: number, orNextFree: boolean): Promise<ApiServer> {
  const server = createServer({
    requestTimeout: 120_000,
    headersTimeout: 30_000,
    keepAliveTimeout: 65_000,
    maxHeaderSize: headBytesMax,
    // Its own refusal of a request without a host is no JSON.
    requireHostHeader: false,
  });
  // A client that has sent all it will send still waits for its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('clientError', refuseConnection);
  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const answer = await api(incoming);
    if (answer !== undefined && !outgoing.destroyed) send(incoming, outgoing, answer);
  };
  server.on('request', (incoming, outgoing) => void respond(incoming, outgoing));
  // A client that asks first is refused before it sends anything.
  server.on('checkContinue', (incoming, outgoing) => {
    if (Number(incoming.headers['content-length'] ?? 0) <= bodyBytesMax) outgoing.writeContinue();
    void respond(incoming, outgoing);
  });
  // No other expectation can be met; the request is answered all the same.
  server.on('checkExpectation', (incoming, outgoing) => void respond(incoming, outgoing));

  for (let candidate = port; ; candidate += 1) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(candidate, '127.0.0.1', () => {
          server.off('error', reject);
          resolve();
        });
      });
      break;
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (taken && orNextFree && candidate < port + 100) continue;
      throw taken
        ? new LocalStackError(`Port ${candidate} is taken: choose another with --port, or leave --port out.`)
        : error;
    }
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async (graceMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function send(incoming: IncomingMessage, outgoing: ServerResponse, answer: GatewayAnswer): void {
  outgoing.writeHead(answer.status, {
    ...answer.headers,
    'content-length': Buffer.byteLength(answer.body),
  });
  outgoing.end(answer.body);
  if (!incoming.complete) drain(incoming);
}

/** Closing at once would reset the connection, and the client would see that instead of the answer. */
function drain(incoming: IncomingMessage): void {
  let bytes = 0;
  const timer = setTimeout(() => incoming.destroy(), drainMsMax);
  const { socket } = incoming;
  const done = () => {
    clearTimeout(timer);
    socket.off('close', done);
  };
  finished(incoming, done);
  // Once it is answered, a request does not hear that its connection has ended.
  socket.once('close', done);
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > drainedBytesMax) incoming.destroy();
  });
  incoming.resume();
}
