// Starts the emulators, each in a thread, and stops them.
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ClockOffset } from '../clock.ts';
import { LocalStackError } from '../errors.ts';
import type { Listening } from '../listening.ts';
import type { CreatedObject, EmulatorReport, EmulatorStart } from './worker.ts';

/** The address of each service. */
export interface Endpoints {
  readonly dynamodb: string;
  readonly kinesis: string;
  readonly sqs: string;
  readonly s3: string;
  readonly ssm: string;
}

/** The running emulators. */
export interface Emulators {
  readonly dynamodb: Listening;
  readonly kinesis: Listening;
  readonly sqsAndS3: Listening;
  stop(): Promise<void>;
}

interface EmulatorsOptions {
  /** Folder for persistent data; by default in memory. */
  readonly dataDir?: string | undefined;
  /** The stack's clock; by default the machine's. */
  readonly clock?: ClockOffset | undefined;
  /** Called when an emulator terminates unexpectedly; by default it ends the process. */
  readonly onCrash?: (error: Error) => void;
  /** Called for every object put. */
  readonly onObject?: (created: CreatedObject) => void;
}

/** Starts all emulators. */
export async function startEmulators(options: EmulatorsOptions = {}): Promise<Emulators> {
  const starting = (['dynamodb', 'kinesis', 'sqs-and-s3'] as const).map((name) =>
    startEmulator(name, options),
  );
  const started = await Promise.allSettled(starting);
  const stop = async () => {
    await Promise.all(started.map((each) => each.status === 'fulfilled' && each.value.stop()));
  };
  const failed = started.find((each) => each.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const [dynamodb, kinesis, sqsAndS3] = (await Promise.all(starting)) as [Listening, Listening, Listening];
  return { dynamodb, kinesis, sqsAndS3, stop };
}

/** Starts one of them. */
export async function startEmulator(
  name: EmulatorStart['name'],
  { dataDir, clock, onCrash = fail, onObject }: EmulatorsOptions = {},
): Promise<Listening> {
  const folder = dataDir === undefined ? undefined : join(dataDir, name);
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true });
    // LevelDB would treat it as empty, and start over.
    const files = await readdir(folder);
    if (files.some((file) => file.startsWith('MANIFEST-')) && !files.includes('CURRENT'))
      throw unusable(folder, 'its file CURRENT is missing');
  }
  const workerData: EmulatorStart = { name, ...(folder && { dataDir: folder }), ...(clock && { clock }) };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData, stderr: true });
  worker.stderr.resume();
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));

  let stopping = false;
  let crashed = (error: Error) => onCrash(error);
  worker.once('error', (error) => {
    if (stopping) return;
    // LevelDB's errors lose their text on the way out of the thread.
    const reason = `the ${name} emulator failed${error.message === undefined ? '' : `: ${error.message}`}`;
    crashed(folder === undefined ? new Error(reason, { cause: error }) : unusable(folder, reason));
  });
  worker.once('exit', () => {
    if (!stopping) crashed(new LocalStackError(`The ${name} emulator ended by itself.`));
  });

  const endpoint = await new Promise<string>((resolve, reject) => {
    crashed = reject;
    worker.once('message', (report: EmulatorReport) => {
      if ('endpoint' in report) resolve(report.endpoint);
    });
  });
  crashed = onCrash;
  worker.on('message', (report: EmulatorReport) => {
    if ('created' in report) onObject?.(report.created);
  });
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
