// The heaps of a process' threads: asked by one thread, told by each of them.
import { setTimeout as delay } from 'node:timers/promises';

/** The channel between threads. */
export const HEAPS_CHANNEL = 'tally-bench-heaps';

/** What a thread tells. */
export interface ToldHeap {
  readonly thread: string;
  readonly bytes: number;
}

/** Nobody is waited for when nobody has told for so long: a thread first collects what is garbage. */
const SILENCE_MS = 2_000;

/** What is alive in each thread that has loaded `heap-teller.ts`, bytes; threads of the same name add up. */
export async function heaps(): Promise<ReadonlyMap<string, number>> {
  const channel = new BroadcastChannel(HEAPS_CHANNEL);
  const bytes = new Map<string, number>();
  let lastMs = performance.now();
  channel.onmessage = ({ data }) => {
    if (data === 'tell') return;
    const told = data as ToldHeap;
    lastMs = performance.now();
    bytes.set(told.thread, (bytes.get(told.thread) ?? 0) + told.bytes);
  };
  channel.postMessage('tell');
  while (performance.now() < lastMs + SILENCE_MS) await delay(100);
  channel.close();
  return bytes;
}
