// The compared systems: each is a process, suspended while another is measured.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Load, runLoad } from './load.ts';
import { findRedis } from './redis.ts';
import type { Question, SystemName } from './system-process.ts';

/** The systems' names in tables. */
export const LABELS: Readonly<Record<SystemName, string>> = {
  tally: 'Tally',
  'update-item': 'UpdateItem an event',
  redis: 'Redis INCRBY an event',
};

/** Starts every system available here. The first failure stops the others. */
export async function startSystems(): Promise<System[]> {
  const names: SystemName[] = ['tally', 'update-item'];
  if (findRedis() !== undefined) names.push('redis');
  const systems: System[] = [];
  try {
    for (const name of names) systems.push(await startSystem(name));
    return systems;
  } catch (error) {
    await Promise.all(systems.map((system) => system.stop()));
    throw error;
  }
}

/** A running system. */
export type System = Awaited<ReturnType<typeof startSystem>>;
/** A load's result, and the system's processor time until everything was counted. */
export type Measured = Awaited<ReturnType<System['run']>>;

async function startSystem(name: SystemName) {
  const child = fork(new URL('./system-process.ts', import.meta.url), [name], { serialization: 'advanced' });
  // A suspended process would not notice that its parent is gone.
  process.once('exit', () => child.kill('SIGKILL'));
  const url = await answerOf<string>(child);
  const expected = new Map<string, number>();
  const ask = <T>(question: Question): Promise<T> => {
    const answer = answerOf<T>(child);
    child.send(question);
    return answer;
  };
  child.kill('SIGSTOP');
  return {
    name,
    /** Runs a load. */
    run: async (load: Load) => {
      const { eventsPerSecond, mode, events } = load;
      const pace = eventsPerSecond === undefined ? 'at full speed' : `at ${eventsPerSecond} a second`;
      process.stderr.write(`${name}, ${mode.name}: ${events} events ${pace}\n`);
      child.kill('SIGCONT');
      const before = await ask<number>('cpuMs');
      const result = await runLoad(url, load);
      const systemCpuMs = (await ask<number>('cpuMs')) - before;
      child.kill('SIGSTOP');
      for (const [counter, n] of result.sums) expected.set(counter, (expected.get(counter) ?? 0) + n);
      return { ...result, systemCpuMs };
    },
    /** Compares every counter with what was sent. @returns a summary line @throws Error naming the counters that differ */
    check: async (): Promise<string> => {
      child.kill('SIGCONT');
      const counts = await ask<ReadonlyMap<string, number>>('counts');
      const counters = [...new Set([...expected.keys(), ...counts.keys()])];
      const wrong = counters.filter((counter) => counts.get(counter) !== expected.get(counter));
      if (wrong.length > 0) {
        const shown = wrong
          .slice(0, 5)
          .map(
            (counter) => `${counter}: ${counts.get(counter) ?? 0} instead of ${expected.get(counter) ?? 0}`,
          );
        throw new Error(`${name} counted wrong: ${wrong.length} counters differ, ${shown.join(', ')}`);
      }
      const events = [...counts.values()].reduce((sum, n) => sum + n, 0);
      return `${LABELS[name]}: ${counts.size} counters and ${events} events, all as sent.`;
    },
    stop: async (): Promise<void> => {
      if (child.exitCode !== null) return;
      child.kill('SIGCONT');
      const exited = once(child, 'exit');
      child.send('stop' satisfies Question);
      await exited;
    },
  };
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
