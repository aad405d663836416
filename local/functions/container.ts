// One Lambda container: a worker thread that runs one invocation at a time, and is discarded after a timeout or crash.
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import type { ClockOffset } from '../clock.ts';
import {
  errorOf,
  type FunctionDefinition,
  type FunctionError,
  type InvocationMessage,
  type InvocationOutcome,
  type WorkerReport,
  type WorkerStart,
} from './protocol.ts';

/** A running container. */
export type Container = ReturnType<typeof startContainer>;

/** Starts a container; its handler loads while the first invocation waits. */
export function startContainer(
  definition: FunctionDefinition,
  onOutput: (line: string) => void,
  clock: ClockOffset | undefined,
) {
  const { concurrencyMax: _, environment, ...rest } = definition;
  const { memoryMb, timeoutMs } = rest;
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { ...rest, clock } satisfies WorkerStart,
    env: environment,
    stdout: true,
    stderr: true,
    // The function's memory limits the thread's heap. Keep the young generation small, or each thread grows by 100 MB.
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 16 },
  });
  eachLine(worker.stdout, onOutput);
  eachLine(worker.stderr, onOutput);

  const loaded = Promise.withResolvers<void>();
  let settle = (_: InvocationOutcome) => {};
  /** Its first error that no further invocation survives. */
  let broken: FunctionError | undefined;
  const breakDown = (error: FunctionError) => {
    broken ??= error;
    settle({ ok: false, error: broken });
    loaded.resolve();
    void worker.terminate();
  };
  worker.on('message', (report: WorkerReport) => {
    if (report === 'ready') loaded.resolve();
    else settle(report);
  });
  worker.once('error', (error) => breakDown(errorOf(error)));
  worker.once('exit', () =>
    breakDown({ errorType: 'Runtime.ExitError', errorMessage: 'The function ended its process.' }),
  );

  return {
    /** Whether it can run another invocation: not once it has timed out or crashed. */
    usable: () => broken === undefined,
    invoke: async (requestId: string, event: string): Promise<InvocationOutcome> => {
      // Loading does not count towards the timeout, like Lambda's init phase.
      await loaded.promise;
      if (broken !== undefined) return { ok: false, error: broken };
      const { promise: outcome, resolve } = Promise.withResolvers<InvocationOutcome>();
      settle = resolve;
      const seconds = (timeoutMs / 1_000).toFixed(2);
      const late = { errorType: 'Sandbox.Timedout', errorMessage: `Task timed out after ${seconds} seconds` };
      const timer = setTimeout(breakDown, timeoutMs, late);
      worker.postMessage({ requestId, event } satisfies InvocationMessage);
      return outcome.finally(() => clearTimeout(timer));
    },
    stop: () => worker.terminate(),
  };
}

function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  stream.once('end', () => {
    if (rest !== '') onLine(rest);
  });
}
