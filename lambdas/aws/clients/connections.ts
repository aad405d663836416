// Connections of the SDK's clients. Each client has a file of its own, so a function loads only those that it imports.
// Endpoints come from the SDK's variables, which the local stack sets, or from a command's configuration.
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Time-out and attempts of a call. All attempts must fit into the time that a function keeps in reserve. */
export interface Patience {
  readonly requestTimeoutMs: number;
  readonly maxAttempts: number;
}

/** Kept-alive connections, with time-outs far below a function's own. */
export function requestHandler(requestTimeoutMs = 5_000): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: 2_000,
    requestTimeout: requestTimeoutMs,
    throwOnRequestTimeout: true,
    httpsAgent: { keepAlive: true, maxSockets: 64 },
    httpAgent: { keepAlive: true, maxSockets: 64 },
  });
}
