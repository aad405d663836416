// The inside of an emulator's worker thread: starts a server, tells its port, closes it when asked.
import '../compile-cache.ts';
import type { IncomingMessage, Server } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { type ClockOffset, followClock } from '../clock.ts';
import { listen } from '../listening.ts';

/** What an emulator's thread is started with. */
export interface EmulatorOptions {
  /** Folder for persistent data; in memory without. */
  readonly dataDir?: string;
  /** The stack's clock; the machine's without. */
  readonly clock?: ClockOffset;
}

/** What the thread says: where it listens, that it is closed, or why it is not. */
export type EmulatorReport = { port: number } | { closed: true } | { created: CreatedObject };

/** An object that was put into a bucket. */
export interface CreatedObject {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly etag: string;
}

/** Options handed to this thread. */
export const options = (workerData ?? {}) as EmulatorOptions;

if (options.clock !== undefined) followClock(options.clock);

/** Serves until the parent says stop; `close` ends what the server holds. */
export function serve(port: number, close: () => Promise<void>): void {
  parentPort?.postMessage({ port } satisfies EmulatorReport);
  parentPort?.once('message', async () => {
    await close();
    parentPort?.postMessage({ closed: true } satisfies EmulatorReport);
    parentPort?.close();
  });
}

/** Tells the stack that an object was put. */
export function tellCreated(created: CreatedObject): void {
  parentPort?.postMessage({ created } satisfies EmulatorReport);
}

/** Listens on 127.0.0.1 and serves, for emulators that are a plain http server. */
export async function serveHttp(server: Server): Promise<void> {
  server.prependListener('request', ignoreBrokenUploads);
  const { endpoint, stop } = await listen(server);
  serve(Number(new URL(endpoint).port), async () => {
    // kinesalite closes its store first and its server after: connections of the meantime.
    setImmediate(() => server.closeAllConnections());
    await stop();
  });
}

/** dynalite and kinesalite throw when a request breaks off (a function's time-out does that), which would end the thread. */
function ignoreBrokenUploads(incoming: IncomingMessage): void {
  const on = incoming.on.bind(incoming);
  incoming.on = (event: string, listener: (...values: never[]) => void) =>
    on(event, event === 'error' ? () => {} : (listener as (...values: unknown[]) => void));
}
