// The process of one system: starts it, reports its address, and answers the benchmark's questions.
import { processorMs } from './figures.ts';
import { startRedis } from './redis.ts';
import { startTally } from './tally.ts';
import { startUpdateItem } from './update-item.ts';

/** A running system. */
export interface CountingSystem {
  readonly url: string;
  /** Its counts by `metric#entity`, read from its storage. */
  counts(): Promise<Map<string, number>>;
  /** Processor time of other processes, milliseconds. */
  otherCpuMs?(): Promise<number>;
  stop(): Promise<void>;
}

/** Questions to a system's process. */
export type Question = 'counts' | 'cpuMs' | 'stop';

const STARTERS = { tally: startTally, 'update-item': startUpdateItem, redis: startRedis };

/** Names of systems. */
export type SystemName = keyof typeof STARTERS;

// Lambda's time zone, as in `npm start`.
process.env['TZ'] = 'UTC';

const system: CountingSystem = await STARTERS[process.argv[2] as SystemName]();
const answers: Readonly<Record<Question, () => Promise<unknown>>> = {
  counts: system.counts,
  cpuMs: async () => processorMs() + ((await system.otherCpuMs?.()) ?? 0),
  stop: async () => {
    await system.stop();
    process.disconnect();
  },
};
process.on('message', async (question: Question) => {
  const answer = await answers[question]();
  if (process.connected) process.send?.(answer);
});
process.once('disconnect', () => process.exit());
process.send?.(system.url);
