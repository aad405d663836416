// Starts the emulators, each in a thread of its own, and stops them.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ClockOffset } from '../clock.ts';
import { LocalStackError } from '../errors.ts';
import type { CreatedObject, EmulatorOptions, EmulatorReport } from './worker.ts';

/** Where each service answers. */
export interface Endpoints {
  readonly dynamodb: string;
  readonly kinesis: string;
  readonly sqs: string;
  readonly s3: string;
  readonly ssm: string;
}

/** One running emulator. */
export interface Emulator {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** The running emulators. */
export interface Emulators {
  readonly dynamodb: Emulator;
  readonly kinesis: Emulator;
  readonly sqsAndS3: Emulator;
  stop(): Promise<void>;
}

/**
 * Starts all emulators.
 * @param dataDir folder for persistent data; in memory without
 * @param onCrash called when an emulator ends by itself
 * @param clock the stack's clock; the machine's without
 * @param onObject called when an object was put
 */
export async function startEmulators(
  dataDir: string | undefined,
  onCrash: (error: Error) => void,
  clock?: ClockOffset,
  onObject?: (created: CreatedObject) => void,
): Promise<Emulators> {
  const starting = [
    startEmulator('dynamodb', dataDir, onCrash, clock),
    startEmulator('kinesis', dataDir, onCrash, clock),
    startEmulator('sqs-and-s3', dataDir, onCrash, clock, onObject),
  ] as const;
  const outcomes = await Promise.allSettled(starting);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await Promise.all(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value.stop()));
    throw failed.reason;
  }
  const [dynamodb, kinesis, sqsAndS3] = await Promise.all(starting);
  return {
    dynamodb,
    kinesis,
    sqsAndS3,
    stop: async () => {
      await Promise.all([dynamodb.stop(), kinesis.stop(), sqsAndS3.stop()]);
    },
  };
}

/** Starts one of them. Its arguments are as for all. */
export async function startEmulator(
  name: 'dynamodb' | 'kinesis' | 'sqs-and-s3',
  dataDir: string | undefined,
  onCrash: (error: Error) => void,
  clock?: ClockOffset,
  onObject?: (created: CreatedObject) => void,
): Promise<Emulator> {
  const folder = dataDir === undefined ? undefined : join(dataDir, name);
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  const workerData: EmulatorOptions = {
    ...(folder === undefined ? {} : { dataDir: folder }),
    ...(clock === undefined ? {} : { clock }),
  };
  const worker = new Worker(new URL(`./${name}.ts`, import.meta.url), { workerData, stderr: true });
  worker.stderr.resume();
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));

  let stopping = false;
  let crashed = (error: Error) => onCrash(error);
  worker.once('error', (error) => {
    if (!stopping) crashed(new Error(`The ${name} emulator failed: ${error.message}`, { cause: error }));
  });
  worker.once('exit', () => {
    if (!stopping) crashed(new LocalStackError(`The ${name} emulator ended by itself.`));
  });

  const port = await new Promise<number>((resolve, reject) => {
    crashed = reject;
    worker.once('message', (report: EmulatorReport) => {
      if ('port' in report) resolve(report.port);
    });
  });
  crashed = onCrash;
  worker.on('message', (report: EmulatorReport) => {
    if ('created' in report) onObject?.(report.created);
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: async () => {
      stopping = true;
      worker.postMessage('stop');
      const tooLate = setTimeout(() => worker.terminate(), 5_000);
      await exited;
      clearTimeout(tooLate);
    },
  };
}
