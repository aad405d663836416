// An emulator's worker thread: starts it, reports its port, closes it on request.
import '../compile-cache.ts';
import type { IncomingMessage, Server } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { type ClockOffset, followClock } from '../clock.ts';
import { listen } from '../listening.ts';

export interface EmulatorStart {
  readonly name: 'dynamodb' | 'kinesis' | 'sqs-and-s3';
  /** Folder for persistent data; by default in memory. */
  readonly dataDir: string | undefined;
  /** The stack's clock; by default the machine's. */
  readonly clock: ClockOffset | undefined;
}

/** The thread's messages: its address, or an object that was put. */
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
    const { startFauxqs } = await import('./fauxqs-repairs.ts');
    return startFauxqs(dataDir, (created) => say({ created }));
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
    // kinesalite closes its store before its server: close connections opened in between.
    setImmediate(() => server.closeAllConnections());
    return listening.stop();
  };
  return { endpoint: listening.endpoint, stop: stopAll };
}

/** dynalite and kinesalite throw when a request is aborted (for example by a function's timeout), which would end the thread. */
function ignoreBrokenUploads(incoming: IncomingMessage): void {
  const on = incoming.on.bind(incoming);
  incoming.on = (event: string, listener: (...values: never[]) => void) =>
    on(event, event === 'error' ? () => {} : (listener as (...values: unknown[]) => void));
}
