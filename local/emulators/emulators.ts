// Starts the emulators, each in a thread, and stops them.
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LocalStackError } from '../errors.ts';
import type { CreatedObject, EmulatorReport, EmulatorStart } from './worker.ts';

/** The address of each service. */
export type Endpoints = Record<'dynamodb' | 'kinesis' | 'sqs' | 's3' | 'ssm', string>;

interface EmulatorsOptions extends Partial<Omit<EmulatorStart, 'name'>> {
  /** Called when an emulator terminates unexpectedly; by default it ends the process. */
  readonly onCrash?: (error: Error) => void;
  /** Called for every object put. */
  readonly onObject?: (created: CreatedObject) => void;
}

/** Starts all emulators: of every service but SSM. */
export async function startEmulators(options: EmulatorsOptions = {}) {
  const names = ['dynamodb', 'kinesis', 'sqs-and-s3'] as const;
  await using stops = new AsyncDisposableStack();
  const starting = names.map(async (name) => {
    const { endpoint, stop } = await startEmulator(name, options);
    stops.defer(stop);
    return endpoint;
  });
  // If one fails, those that are still starting must be stopped, too.
  await Promise.allSettled(starting);
  const [dynamodb = '', kinesis = '', sqs = ''] = await Promise.all(starting);
  const running = stops.move();
  return { endpoints: { dynamodb, kinesis, sqs, s3: sqs }, stop: () => running.disposeAsync() };
}

/** Starts one of them. */
export async function startEmulator(
  name: EmulatorStart['name'],
  { dataDir, clock, onCrash = fail, onObject }: EmulatorsOptions = {},
) {
  const folder = dataDir === undefined ? undefined : join(dataDir, name);
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true });
    // LevelDB would treat it as empty, and start over.
    const files = await readdir(folder);
    if (files.some((file) => file.startsWith('MANIFEST-')) && !files.includes('CURRENT'))
      throw unusable(folder, 'its file CURRENT is missing');
  }
  const workerData: EmulatorStart = { name, dataDir: folder, clock };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData, stderr: true });
  worker.stderr.resume();
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));

  let stopping = false;
  const listening = Promise.withResolvers<string>();
  let crashed: (error: Error) => void = listening.reject;
  worker.once('error', (error) => {
    if (stopping) return;
    // LevelDB's errors lose their text on the way out of the thread.
    const reason = `the ${name} emulator failed${error.message === undefined ? '' : `: ${error.message}`}`;
    crashed(folder === undefined ? new Error(reason, { cause: error }) : unusable(folder, reason));
  });
  worker.once('exit', () => {
    if (!stopping) crashed(new LocalStackError(`The ${name} emulator ended by itself.`));
  });

  worker.on('message', (report: EmulatorReport) => {
    if ('endpoint' in report) listening.resolve(report.endpoint);
    else onObject?.(report.created);
  });
  const endpoint = await listening.promise;
  crashed = onCrash;
  return {
    endpoint,
    stop: async () => {
      stopping = true;
      worker.postMessage('stop');
      const tooLate = setTimeout(() => worker.terminate(), 5_000);
      await exited;
      clearTimeout(tooLate);
    },
  };
}

function fail(error: Error): never {
  throw error;
}

/** The error of an unusable data folder: with data in memory, the same emulators start. */
function unusable(folder: string, reason: string): LocalStackError {
  return new LocalStackError(
    `The data in ${folder} is damaged, or its disk full: ${reason}. Put a copy of the whole data folder back, or start with another --data folder.`,
  );
}
