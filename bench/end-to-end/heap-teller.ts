// Loaded into every thread of a process (`node --expose-gc --import`): tells, when asked, what is alive on the thread's heap.
import { basename } from 'node:path';
import { HEAPS_CHANNEL, type ToldHeap } from './heaps.ts';

/** A function's name, or the module that the thread runs: `dynamodb.ts` and so on. */
const thread = process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? basename(process.argv[1] ?? '');

const listening = new BroadcastChannel(HEAPS_CHANNEL);
listening.onmessage = ({ data }) => {
  if (data !== 'tell') return;
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  listening.postMessage({ thread, bytes: heapUsed + external } satisfies ToldHeap);
};
// A thread ends when its own work does.
(listening as unknown as { unref(): void }).unref();
