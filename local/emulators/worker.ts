// An emulator's worker thread: starts one, tells its port, closes it when asked.
import '../compile-cache.ts';
import type { IncomingMessage, Server } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { type ClockOffset, followClock } from '../clock.ts';
import { listen } from '../listening.ts';
import { repairFauxqs } from './fauxqs-repairs.ts';

/** What an emulator's thread is started with. */
export interface EmulatorStart {
  readonly name: 'dynamodb' | 'kinesis' | 'sqs-and-s3';
  /** Folder for persistent data; in memory without. */
  readonly dataDir?: string;
  /** The stack's clock; the machine's without. */
  readonly clock?: ClockOffset;
}

/** What the thread says: where it listens, or which object was put. */
export type EmulatorReport = { endpoint: string } | { created: CreatedObject };

/** An object that was put into a bucket. */
export interface CreatedObject {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly etag: string;
}

const { name, dataDir, clock } = workerData as EmulatorStart;
const say = (report: EmulatorReport) => parentPort?.postMessage(report);
const path = dataDir === undefined ? {} : { path: dataDir };

if (clock !== undefined) followClock(clock);

const starters = {
  dynamodb: async () => {
    const { default: dynalite } = await import('dynalite');
    return serveHttp(dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0, ...path }));
  },
  kinesis: async () => {
    const { default: kinesalite } = await import('kinesalite');
    const atOnce = { createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 0 };
    return serveHttp(kinesalite({ ...atOnce, shardLimit: 1_000, ...path }));
  },
  'sqs-and-s3': async () => {
    // The repairs must be in place before fauxqs opens its server and its database.
    await repairFauxqs(dataDir, (created) => say({ created }));
    const { startFauxqs } = await import('fauxqs');
    const data = dataDir === undefined ? {} : { dataDir };
    const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false, ...data });
    return { endpoint: `http://127.0.0.1:${server.port}`, stop: () => server.stop() };
  },
};

const { endpoint, stop } = await starters[name]();
parentPort?.once('message', () => void stop().then(() => parentPort?.close()));
say({ endpoint });

/** Serves an emulator that is a plain HTTP server. */
async function serveHttp(server: Server) {
  server.prependListener('request', ignoreBrokenUploads);
  const listening = await listen(server);
  const stopAll = () => {
    // kinesalite closes its store first and its server after: connections of the meantime.
    setImmediate(() => server.closeAllConnections());
    return listening.stop();
  };
  return { endpoint: listening.endpoint, stop: stopAll };
}

/** dynalite and kinesalite throw when a request breaks off (a function's time-out does that), which would end the thread. */
function ignoreBrokenUploads(incoming: IncomingMessage): void {
  const on = incoming.on.bind(incoming);
  incoming.on = (event: string, listener: (...values: never[]) => void) =>
    on(event, event === 'error' ? () => {} : (listener as (...values: unknown[]) => void));
}
