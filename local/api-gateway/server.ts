// The API's HTTP server: keep-alive connections, early answers to uploads that are too large, a stop that completes.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { finished } from 'node:stream';
import { LocalStackError } from '../errors.ts';
import type { Api } from './api.ts';
import type { GatewayAnswer } from './gateway-responses.ts';
import { headBytesMax, refuseConnection } from './refused-connections.ts';
import { bodyBytesMax } from './request.ts';

/** How much of a refused upload to read and discard, so that the client can read the answer. */
const drainedBytesMax = 64 * 1024 * 1024;
const drainMsMax = 5_000;

/**
 * Listens on 127.0.0.1.
 * @param port the requested port, and whether the next free one is acceptable
 * @throws LocalStackError when the port is taken
 */
export async function startApiServer(api: Api, port: number, orNextFree: boolean) {
  const server = createServer({
    requestTimeout: 120_000,
    headersTimeout: 30_000,
    keepAliveTimeout: 65_000,
    maxHeaderSize: headBytesMax,
    // Node's own refusal of a request without a host is not JSON.
    requireHostHeader: false,
  });
  // A half-closed client still waits for its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('clientError', refuseConnection);
  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const answer = await api(incoming);
    if (answer !== undefined && !outgoing.destroyed) send(incoming, outgoing, answer);
  };
  server.on('request', (incoming, outgoing) => void respond(incoming, outgoing));
  // A client that sends Expect: 100-continue is refused before it sends the body.
  server.on('checkContinue', (incoming, outgoing) => {
    if (Number(incoming.headers['content-length'] ?? 0) <= bodyBytesMax) outgoing.writeContinue();
    void respond(incoming, outgoing);
  });
  // Other expectations cannot be met; answer the request anyway.
  server.on('checkExpectation', (incoming, outgoing) => void respond(incoming, outgoing));

  for (let candidate = port; ; candidate += 1) {
    try {
      await once(server.listen(candidate, '127.0.0.1'), 'listening');
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
    /** Accepts no more requests, and waits up to `graceMs` for those in progress. */
    stop: async (graceMs: number): Promise<void> => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function send(incoming: IncomingMessage, outgoing: ServerResponse, answer: GatewayAnswer): void {
  const { status, headers, body } = answer;
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
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
  // After its answer, a request is not notified that its connection has ended.
  socket.once('close', done);
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > drainedBytesMax) incoming.destroy();
  });
  incoming.resume();
}
