// Small HTTP servers of the stack's own, on 127.0.0.1.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Something that listens until it is stopped. */
export interface Listening {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Lets a server listen on a free port. An idle connection stays: closed while a client starts to use it, it would lose a request. */
export async function listen(server: Server): Promise<Listening> {
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
