// How clients of the SDK reach their services. Endpoints come from the SDK's own variables, so that the local stack can give
// others; an operator's commands give them as configuration. One file a client: a function loads those that it imports.
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** How long a call may take, and how often it is made: all tries must fit into the time that a function keeps in reserve. */
export interface Patience {
  readonly requestTimeoutMs: number;
  readonly maxAttempts: number;
}

/** Connections kept for reuse, and time-outs far below a function's own. */
export function requestHandler(requestTimeoutMs = 5_000): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: 2_000,
    requestTimeout: requestTimeoutMs,
    throwOnRequestTimeout: true,
    httpsAgent: { keepAlive: true, maxSockets: 64 },
    httpAgent: { keepAlive: true, maxSockets: 64 },
  });
}
