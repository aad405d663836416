// What the threads of a process have and have used: asked by one thread, told by each of them.
import { setTimeout as delay } from 'node:timers/promises';

/** The channel between threads. */
export const THREADS_CHANNEL = 'tally-bench-threads';

/** What is asked: bytes that are alive after a garbage collection, or that V8 holds of the system; milliseconds of processor time until now; 1 of each thread. */
export type Question = 'heap' | 'held' | 'cpu' | 'count';

/** What a thread tells. */
export interface Told {
  readonly thread: string;
  readonly value: number;
}

/** Nobody is waited for when nobody has told for so long. A collection of garbage takes its time. */
const SILENCE_MS: Readonly<Record<Question, number>> = { heap: 2_000, held: 300, cpu: 300, count: 300 };

/** Asks every thread that has loaded `thread-teller.ts`; threads of the same name add up. */
export async function askThreads(question: Question): Promise<ReadonlyMap<string, number>> {
  const channel = new BroadcastChannel(THREADS_CHANNEL);
  const values = new Map<string, number>();
  let lastMs = performance.now();
  channel.onmessage = ({ data }) => {
    if (typeof data === 'string') return;
    const { thread, value } = data as Told;
    lastMs = performance.now();
    values.set(thread, (values.get(thread) ?? 0) + value);
  };
  channel.postMessage(question);
  while (performance.now() < lastMs + SILENCE_MS[question]) await delay(50);
  channel.close();
  return values;
}
