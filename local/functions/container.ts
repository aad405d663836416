// One Lambda container: a worker thread that runs one invocation at a time, and is discarded after a timeout or crash.
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import type { FunctionError, WorkerReport, WorkerStart } from './protocol.ts';

/** The result of an invocation. `payload` is JSON. */
export type InvocationOutcome = { ok: true; payload: string } | { ok: false; error: FunctionError };

/** A container; `usable` is false once it has timed out or crashed. */
export interface Container {
  readonly usable: boolean;
  invoke(requestId: string, event: string, timeoutMs: number): Promise<InvocationOutcome>;
  stop(): Promise<void>;
}

/** Receives a function's output, line by line. */
export type OutputListener = (line: string, stream: 'stdout' | 'stderr') => void;

/** Starts a container; its handler loads while the first invocation waits. */
export function startContainer(
  start: WorkerStart,
  environment: Readonly<Record<string, string>>,
  onOutput: OutputListener,
): Container {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: start,
    env: { ...environment },
    stdout: true,
    stderr: true,
    // The function's memory limits the thread's heap. Keep the young generation small, or each thread grows by 100 MB.
    resourceLimits: { maxOldGenerationSizeMb: start.memoryMb, maxYoungGenerationSizeMb: 16 },
  });
  eachLine(worker.stdout, (line) => onOutput(line, 'stdout'));
  eachLine(worker.stderr, (line) => onOutput(line, 'stderr'));

  let usable = true;
  let settle: ((outcome: InvocationOutcome) => void) | undefined;
  const finish = (outcome: InvocationOutcome) => {
    settle?.(outcome);
    settle = undefined;
  };
  const breakDown = (error: FunctionError) => {
    usable = false;
    finish({ ok: false, error });
  };

  let loadError: FunctionError | undefined;
  const loaded = Promise.withResolvers<void>();
  worker.on('message', (report: WorkerReport) => {
    if (report.kind === 'ready') loaded.resolve();
    else if (report.kind === 'load-failed') {
      loadError = report.error;
      loaded.resolve();
    } else if (report.kind === 'succeeded') finish({ ok: true, payload: report.payload });
    else finish({ ok: false, error: report.error });
  });
  worker.once('error', (error) => {
    loaded.resolve();
    breakDown({ errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') });
  });
  worker.once('exit', () => {
    loaded.resolve();
    // A thread whose module failed to load exits by itself, perhaps before its report arrives.
    breakDown(
      loadError ?? { errorType: 'Runtime.ExitError', errorMessage: 'The function ended its process.' },
    );
  });

  return {
    get usable() {
      return usable;
    },
    invoke: async (requestId, event, timeoutMs) => {
      const outcome = new Promise<InvocationOutcome>((resolve) => {
        settle = resolve;
      });
      // Loading does not count towards the timeout, like Lambda's init phase.
      await loaded.promise;
      if (loadError !== undefined) breakDown(loadError);
      if (!usable) finish({ ok: false, error: { errorType: 'Runtime.ExitError', errorMessage: 'Stopped.' } });
      const timer = setTimeout(() => {
        const seconds = (timeoutMs / 1_000).toFixed(2);
        breakDown({ errorType: 'Sandbox.Timedout', errorMessage: `Task timed out after ${seconds} seconds` });
        void worker.terminate();
      }, timeoutMs);
      if (usable) worker.postMessage({ requestId, event, deadline: Date.now() + timeoutMs });
      try {
        return await outcome;
      } finally {
        clearTimeout(timer);
        if (!usable) void worker.terminate();
      }
    },
    stop: async () => {
      usable = false;
      await worker.terminate();
    },
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
