// The compared systems: each is a process, suspended while another is measured.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Load, type LoadResult, runLoad } from './load.ts';
import { findRedis } from './redis.ts';
import type { Question, SystemName } from './system-process.ts';

/** The systems' names in tables. */
export const LABELS: Readonly<Record<SystemName, string>> = {
  tally: 'Tally',
  'update-item': 'UpdateItem an event',
  redis: 'Redis INCRBY an event',
};

/** A load's result, and the system's processor time until everything was counted. */
export interface Measured extends LoadResult {
  readonly systemCpuMs: number;
}

/** Starts every system available here. The first failure stops the others. */
export async function startSystems(): Promise<System[]> {
  const names: SystemName[] = [
    'tally',
    'update-item',
    ...(findRedis() === undefined ? [] : ['redis' as const]),
  ];
  const systems: System[] = [];
  try {
    for (const name of names) systems.push(await System.start(name));
    return systems;
  } catch (error) {
    await Promise.all(systems.map((system) => system.stop()));
    throw error;
  }
}

/** A running system, and its expected counts. */
export class System {
  readonly name: SystemName;
  readonly #process: ChildProcess;
  readonly #url: string;
  readonly #expected = new Map<string, number>();

  private constructor(name: SystemName, child: ChildProcess, url: string) {
    this.name = name;
    this.#process = child;
    this.#url = url;
  }

  static async start(name: SystemName): Promise<System> {
    const program = new URL('./system-process.ts', import.meta.url);
    const child = fork(program, [name], { serialization: 'advanced' });
    // A suspended process would not notice that its parent is gone.
    process.once('exit', () => child.kill('SIGKILL'));
    const system = new System(name, child, await answerOf<string>(child));
    child.kill('SIGSTOP');
    return system;
  }

  /** Runs a load. */
  async run(load: Load): Promise<Measured> {
    const pace = load.eventsPerSecond === undefined ? 'at full speed' : `at ${load.eventsPerSecond} a second`;
    process.stderr.write(`${this.name}, ${load.mode.name}: ${load.events} events ${pace}\n`);
    this.#process.kill('SIGCONT');
    const before = await this.#ask<number>('cpuMs');
    const result = await runLoad(this.#url, load);
    const systemCpuMs = (await this.#ask<number>('cpuMs')) - before;
    this.#process.kill('SIGSTOP');
    for (const [name, n] of result.sums) this.#expected.set(name, (this.#expected.get(name) ?? 0) + n);
    return { ...result, systemCpuMs };
  }

  /** Compares every counter with what was sent. @returns a summary line @throws Error naming the counters that differ */
  async check(): Promise<string> {
    this.#process.kill('SIGCONT');
    const counts = await this.#ask<ReadonlyMap<string, number>>('counts');
    const names = [...new Set([...this.#expected.keys(), ...counts.keys()])];
    const wrong = names.filter((name) => counts.get(name) !== this.#expected.get(name));
    if (wrong.length > 0) {
      const shown = wrong
        .slice(0, 5)
        .map((name) => `${name}: ${counts.get(name) ?? 0} instead of ${this.#expected.get(name) ?? 0}`);
      throw new Error(`${this.name} counted wrong: ${wrong.length} counters differ, ${shown.join(', ')}`);
    }
    const events = [...counts.values()].reduce((sum, n) => sum + n, 0);
    return `${LABELS[this.name]}: ${counts.size} counters and ${events} events, all as sent.`;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill('SIGCONT');
    const exited = once(this.#process, 'exit');
    this.#process.send('stop' satisfies Question);
    await exited;
  }

  #ask<T>(question: Question): Promise<T> {
    const answer = answerOf<T>(this.#process);
    this.#process.send(question);
    return answer;
  }
}

/** A process's next message. @throws Error when it exits instead */
async function answerOf<T>(child: ChildProcess): Promise<T> {
  const over = new AbortController();
  const ended = once(child, 'exit', over).then(([code]) => {
    throw new Error(`The process ${child.spawnargs.join(' ')} ended with ${code}.`);
  });
  try {
    const [answer] = await Promise.race([once(child, 'message', over), ended]);
    return answer as T;
  } finally {
    over.abort();
    ended.catch(() => {});
  }
}
