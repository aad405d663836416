// Worker thread: loads one function's handler and runs one invocation at a time, like a Lambda container.
import '../compile-cache.ts';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { followClock, machineNowMs } from '../clock.ts';
import type { FunctionError, InvocationMessage, WorkerReport, WorkerStart } from './protocol.ts';

type Handler = (event: unknown, context: object) => unknown;

const start = workerData as WorkerStart;
const report = (message: WorkerReport) => parentPort?.postMessage(message);

// Before the handler loads, since it may read the time at once.
if (start.clock !== undefined) followClock(start.clock);

try {
  const loaded = (await import(pathToFileURL(start.entry).href)) as { handler?: unknown };
  if (typeof loaded.handler !== 'function') {
    throw new TypeError(`${start.entry} exports no function named "handler"`);
  }
  const handler = loaded.handler as Handler;
  parentPort?.on('message', (message: InvocationMessage) => void run(handler, message));
  report({ kind: 'ready' });
} catch (error) {
  report({ kind: 'load-failed', error: describe(error) });
}

async function run(handler: Handler, { requestId, event, deadline }: InvocationMessage): Promise<void> {
  try {
    const result = await handler(JSON.parse(event), createContext(requestId, deadline));
    report({ kind: 'succeeded', requestId, payload: JSON.stringify(result ?? null) });
  } catch (error) {
    report({ kind: 'failed', requestId, error: describe(error) });
  }
}

function createContext(awsRequestId: string, deadline: number): object {
  return {
    awsRequestId,
    functionName: start.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: start.functionArn,
    memoryLimitInMB: String(start.memoryMb),
    logGroupName: `/aws/lambda/${start.functionName}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - machineNowMs()),
  };
}

function describe(error: unknown): FunctionError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error) };
  return {
    errorType: error.name,
    errorMessage: error.message,
    trace: (error.stack ?? '').split('\n'),
  };
}
