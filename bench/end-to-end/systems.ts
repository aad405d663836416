// The systems that are compared, each in processes of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.ts';
import type { Usage } from './counting-system.ts';
import { findRedis, type Persistence, type Redis, startRedis } from './redis.ts';
import type { Target } from './sending.ts';
import type { SystemCalls, SystemName } from './system-process.ts';
import type { Question } from './threads.ts';

/** A running system, as the benchmark sees it. */
export interface RunningSystem {
  readonly name: SystemName;
  readonly target: Target;
  counts(): Promise<Map<string, number>>;
  /** Of all of its processes. */
  usage(): Promise<Usage>;
  /** What the threads of its main process tell, by their names. */
  threads(question: Question): Promise<ReadonlyMap<string, number>>;
  /** Holds it, so that it takes nothing from the others. */
  hold(): void;
  goOn(): void;
  /** Kills all of its processes and starts them again, on the data that is left and the same port. */
  killAndRestart(): Promise<void>;
  stop(): Promise<void>;
}

/** What may be chosen. */
export interface StartOptions {
  /** Whether its data is kept in files: in memory by default. Redis always has some. */
  readonly keepsData?: boolean;
  readonly persistence?: Persistence;
  /** Settings over those of the local stage; Tally's. */
  readonly settings?: Readonly<Record<string, number>>;
}

const PROGRAM = new URL('./system-process.ts', import.meta.url);

/** Threads have the options of their process: each of them loads the module before its own. */
const TELLING = ['--expose-gc', '--import', new URL('./thread-teller.ts', import.meta.url).href];

/** What systems are called in tables. */
export const LABELS: Readonly<Record<SystemName, string>> = {
  tally: 'Tally',
  'update-item': 'UpdateItem an event',
  redis: 'Redis INCRBY an event',
};

/** The systems that can run here. */
export function systemsHere(): SystemName[] {
  return ['tally', 'update-item', ...(findRedis() === undefined ? [] : (['redis'] as const))];
}

/** Starts a system. @throws Error if it does not start */
export async function startSystem(name: SystemName, options: StartOptions = {}): Promise<RunningSystem> {
  const folder = mkdtempSync(join(tmpdir(), `tally-bench-${name}-`));
  const spawn = () => new Child<SystemCalls>(PROGRAM, [name], TELLING);
  let child = spawn();
  let redis: Redis | undefined;
  const clean = () => rmSync(folder, { recursive: true, force: true });
  const start = async (port?: number) => {
    const program = findRedis();
    if (name === 'redis' && program !== undefined)
      redis = await startRedis(program, folder, options.persistence ?? 'everysec');
    return child.call('start', {
      ...(options.keepsData === true ? { dataDir: folder } : {}),
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      ...(port === undefined ? {} : { port }),
      ...(redis === undefined ? {} : { redisPort: redis.port }),
    });
  };
  const kill = async () => {
    await Promise.all([child.kill(), redis?.kill()]);
  };
  try {
    const target = await start();
    return {
      name,
      target,
      counts: () => child.call('counts'),
      usage: async () => {
        const [own, of] = await Promise.all([child.call('usage'), redis?.usage()]);
        return { cpuMs: own.cpuMs + (of?.cpuMs ?? 0), rssBytes: own.rssBytes + (of?.rssBytes ?? 0) };
      },
      threads: (question) => child.call('threads', question),
      hold: () => child.hold(),
      goOn: () => child.goOn(),
      killAndRestart: async () => {
        await kill();
        child = spawn();
        await start(Number(new URL(target.url).port));
      },
      stop: async () => {
        child.goOn();
        await child.call('stop').finally(kill).finally(clean);
      },
    };
  } catch (error) {
    await kill();
    clean();
    throw error;
  }
}
