// The process of one system: starts it, says where it listens, and answers what the benchmark asks.
import { startRedis } from './redis.ts';
import { startTally } from './tally.ts';
import { startUpdateItem } from './update-item.ts';

/** A running system. */
export interface CountingSystem {
  readonly url: string;
  /** What it has counted, by `metric#entity`, read from where it keeps its counts. */
  counts(): Promise<Map<string, number>>;
  /** Processor time of processes besides this one, milliseconds. */
  otherCpuMs?(): Promise<number>;
  stop(): Promise<void>;
}

/** What a system's process is asked. */
export type Question = 'counts' | 'cpuMs' | 'stop';

const STARTERS = { tally: startTally, 'update-item': startUpdateItem, redis: startRedis };

/** Names of systems. */
export type SystemName = keyof typeof STARTERS;

// Lambda's time zone, as `npm start` has it.
process.env['TZ'] = 'UTC';

const system: CountingSystem = await STARTERS[process.argv[2] as SystemName]();
const answers: Readonly<Record<Question, () => Promise<unknown>>> = {
  counts: system.counts,
  cpuMs: async () => {
    const { user, system: kernel } = process.cpuUsage();
    return (user + kernel) / 1_000 + ((await system.otherCpuMs?.()) ?? 0);
  },
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
