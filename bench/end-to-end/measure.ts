// One load on one system: what came of it, and what it took of the machine.
import type { Child } from './child.ts';
import type { GeneratorCalls, LoadJob, LoadResult } from './generator.ts';
import type { RunningSystem } from './systems.ts';
import { HOUR_MS, PROBES_AN_HOUR, type Workload } from './workload.ts';

/** A load's result. */
export interface Measured extends LoadResult {
  /** Processor time of the system's processes from the first request until all was counted. */
  readonly systemCpuMs: number;
  /** The same by the threads of its main process that are still there. */
  readonly threadsCpuMs: ReadonlyMap<string, number>;
}

/** What a job says of its load; the rest is the same for all. */
export type Load = Omit<LoadJob, 'target' | 'workload'> & {
  readonly workload: Omit<Workload, 'perRequest' | 'probesFromMs'>;
};

/** Hours from here on are for probes; each load has its own. */
const FIRST_PROBES_MS = Date.UTC(2020, 0, 1);

/** Loads systems one at a time, and knows what each of them must have counted. */
export class Bench {
  readonly #generator: Child<GeneratorCalls>;
  readonly #sums = new Map<RunningSystem, Map<string, number>>();
  #probesFromMs = FIRST_PROBES_MS;

  constructor(generator: Child<GeneratorCalls>) {
    this.#generator = generator;
  }

  /** Runs a load on a system that is held otherwise. */
  async run(system: RunningSystem, load: Load): Promise<Measured> {
    const workload: Workload = {
      ...load.workload,
      perRequest: load.mode.perRequest,
      probesFromMs: this.#probesFromMs,
    };
    const probes = workload.probeEvery === 0 ? 0 : workload.events / workload.probeEvery;
    this.#probesFromMs += (Math.floor(probes / PROBES_AN_HOUR) + 1) * HOUR_MS;
    const { eventsPerSecond, mode } = load;
    const pace = eventsPerSecond === undefined ? 'as fast as it goes' : `${eventsPerSecond} a second`;
    progress(`${system.name}, ${mode.name}, ${workload.events} events ${pace}`);
    system.goOn();
    const threads = await system.threads('cpu');
    const before = await system.usage();
    const result = await this.#generator.call('run', { ...load, target: system.target, workload });
    const after = await system.usage();
    const threadsCpuMs = new Map<string, number>();
    for (const [name, ms] of await system.threads('cpu'))
      threadsCpuMs.set(name, ms - (threads.get(name) ?? 0));
    system.hold();
    const sums = this.#sums.get(system) ?? new Map<string, number>();
    for (const [name, n] of result.sums) sums.set(name, (sums.get(name) ?? 0) + n);
    this.#sums.set(system, sums);
    return { ...result, systemCpuMs: after.cpuMs - before.cpuMs, threadsCpuMs };
  }

  /**
   * Compares what a system has counted with what it was sent, counter by counter.
   * @returns a line that says so
   * @throws Error that names counters which differ
   */
  async check(system: RunningSystem): Promise<string> {
    system.goOn();
    const expected = this.#sums.get(system) ?? new Map<string, number>();
    const differing = differences(expected, await settledCounts(system, expected));
    if (differing.length > 0)
      throw new Error(
        `${system.name} counted wrong: ${differing.length} counters differ, ${differing.slice(0, 5)}`,
      );
    const events = [...expected]
      .filter(([name]) => !name.startsWith('probe#'))
      .reduce((sum, [, n]) => sum + n, 0);
    return `${expected.size} counters and ${events} events besides probes: all as sent`;
  }
}

const startMs = performance.now();

/** Says on the terminal what is going on; figures go to the standard output. */
export function progress(text: string): void {
  process.stderr.write(`${((performance.now() - startMs) / 1_000).toFixed(0)} s: ${text}\n`);
}

/** Tally counts after it has answered, and after a kill it needs some time; the others count first, or never. */
const SETTLE_MS = { tally: 30_000, 'update-item': 1_000, redis: 1_000 } as const;
const SETTLE_POLL_MS = 250;

/** A system's counts, when they are as expected or have had the time to become so. */
export async function settledCounts(
  system: RunningSystem,
  expected: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const endMs = performance.now() + SETTLE_MS[system.name];
  for (;;) {
    const late = performance.now() > endMs;
    const counts = await system.counts();
    if (late || differences(expected, counts).length === 0) return counts;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
  }
}

/** Counters of the expected metrics that are not what they should be. */
function differences(expected: ReadonlyMap<string, number>, counts: ReadonlyMap<string, number>): string[] {
  const metrics = new Set([...expected.keys()].map(metricOf));
  const names = new Set([
    ...expected.keys(),
    ...[...counts.keys()].filter((name) => metrics.has(metricOf(name))),
  ]);
  return [...names]
    .filter((name) => (expected.get(name) ?? 0) !== (counts.get(name) ?? 0))
    .map((name) => `${name}: ${counts.get(name) ?? 0} instead of ${expected.get(name) ?? 0}`);
}

function metricOf(name: string): string {
  return name.slice(0, name.indexOf('#'));
}
