// The process of one system: starts it, and answers what the benchmark asks.
import { existsSync, readFileSync } from 'node:fs';
import { answerCalls } from './child.ts';
import type { CountingSystem, SystemOptions, Usage } from './counting-system.ts';
import type { Target } from './sending.ts';
import { askThreads, type Question } from './threads.ts';

/** The systems, by the names of their modules. */
const STARTERS = {
  tally: async () => (await import('./tally-system.ts')).startTally,
  'update-item': async () => (await import('./update-item-system.ts')).startUpdateItem,
  redis: async () => (await import('./redis-system.ts')).startRedisCounting,
} satisfies Record<string, () => Promise<(options: SystemOptions) => Promise<CountingSystem>>>;

/** Names of systems. */
export type SystemName = keyof typeof STARTERS;

/** What a system's process answers. */
export interface SystemCalls extends Record<string, (argument: never) => unknown> {
  start(options: SystemOptions): Promise<Target>;
  counts(): Promise<Map<string, number>>;
  usage(): Usage;
  threads(question: Question): Promise<ReadonlyMap<string, number>>;
  stop(): Promise<void>;
}

// Lambda's time zone, as `npm start` has it.
process.env['TZ'] = 'UTC';

const [, , name = 'tally'] = process.argv;
const starter = STARTERS[name as SystemName];
let system: CountingSystem | undefined;

answerCalls({
  start: async (options) => {
    system = await (await starter())(options);
    return system.target;
  },
  counts: async () => (await system?.counts()) ?? new Map<string, number>(),
  usage: () => {
    const { user, system: kernel } = process.cpuUsage();
    return { cpuMs: (user + kernel) / 1_000, rssBytes: residentBytes() };
  },
  threads: askThreads,
  stop: async () => system?.stop(),
} satisfies SystemCalls);

/** Resident memory. Where the system tells it apart, without pages of LevelDB's mapped files: those are its own to take back. */
function residentBytes(): number {
  const file = '/proc/self/status';
  const anonymous = existsSync(file) && /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1];
  return anonymous ? Number(anonymous) * 1_024 : process.memoryUsage.rss();
}
