// Loaded into every thread of a process (`node --expose-gc --import`): tells, when asked, of the thread's heap and processor time.
import { basename } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { THREADS_CHANNEL, type Told } from './threads.ts';

/** What the thread is: a function by its name, or the module that it runs. */
const thread = readable(process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? basename(process.argv[1] ?? '', '.ts'));

const listening = new BroadcastChannel(THREADS_CHANNEL);
listening.onmessage = ({ data }) => {
  if (data === 'heap') tell(alive());
  if (data === 'held') tell(getHeapStatistics().total_physical_size);
  if (data === 'cpu') tell(cpuMs());
  if (data === 'count') tell(1);
};
// A thread ends when its own work does.
(listening as unknown as { unref(): void }).unref();

function tell(value: number): void {
  listening.postMessage({ thread, value } satisfies Told);
}

function alive(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** `WriterFunctionFCEE63EE` is the writer; the main thread has the front door and the event source mappings. */
function readable(name: string): string {
  const [, noun] = /([A-Z][a-z]+)Function[0-9A-F]{8}$/.exec(name) ?? [];
  if (noun !== undefined) return noun.toLowerCase();
  return name === 'system-process' ? 'front door and mappings' : name;
}
