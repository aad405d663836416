// Worker thread: loads one function's handler and runs one invocation at a time, like a Lambda container.
import '../compile-cache.ts';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { followClock } from '../clock.ts';
import { errorOf, type InvocationMessage, type WorkerReport, type WorkerStart } from './protocol.ts';

type Handler = (event: unknown, context: object) => unknown;

const { name, arn, entry, memoryMb, timeoutMs, clock } = workerData as WorkerStart;
const report = (message: WorkerReport) => parentPort?.postMessage(message);

// Before the handler loads, since it may read the time at once.
if (clock !== undefined) followClock(clock);

const { handler } = (await import(pathToFileURL(entry).href)) as { handler?: Handler };
if (typeof handler !== 'function') throw new TypeError(`${entry} exports no function named "handler"`);
parentPort?.on('message', (message: InvocationMessage) => void run(handler, message));
report('ready');

async function run(handler: Handler, { requestId, event }: InvocationMessage): Promise<void> {
  try {
    const result = await handler(JSON.parse(event), createContext(requestId));
    report({ ok: true, payload: JSON.stringify(result ?? null) });
  } catch (error) {
    report({ ok: false, error: errorOf(error) });
  }
}

function createContext(awsRequestId: string): object {
  // Timeouts stay on the machine's clock.
  const deadline = performance.now() + timeoutMs;
  return {
    awsRequestId,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: arn,
    memoryLimitInMB: String(memoryMb),
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadline - performance.now())),
  };
}
