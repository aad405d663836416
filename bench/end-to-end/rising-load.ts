// Rising load: what each system takes, how fresh its counts are, and where it stops keeping up.
import { median, quantile, table } from './figures.ts';
import type { Bench, Measured } from './measure.ts';
import { LABELS, type RunningSystem } from './systems.ts';
import type { Mode } from './workload.ts';

/** A system and how events are sent to it. */
export interface Combination {
  readonly system: RunningSystem;
  readonly mode: Mode;
}

/** How to raise the load. */
export interface RisingOptions {
  /** Events a second, step by step. */
  readonly rates: readonly number[];
  /** Length of a step. */
  readonly seconds: number;
  readonly entities: number;
  readonly connections: number;
}

/** One of so many events is a probe. */
export const PROBE_EVERY = 20;
/** A step is kept up with if its last request is taken so long after its end, */
export const TAKEN_LATE_MS = 1_000;
/** and its last event counted so long after its end: an idle local stack takes half of it, most for its window of a second. */
export const COUNTED_LATE_MS = 3_000;

interface Step extends Combination {
  readonly rate: number;
  readonly measured: Measured;
  readonly verdict: 'yes' | string;
}

/** The steps of all combinations: rate by rate, so that they share the machine's moods; one that did not keep up is left out from then on. */
export async function risingLoad(
  bench: Bench,
  all: readonly Combination[],
  options: RisingOptions,
): Promise<Step[]> {
  const steps: Step[] = [];
  const saturated = new Set<Combination>();
  for (const rate of options.rates) {
    for (const combination of all.filter((each) => !saturated.has(each))) {
      const { system, mode } = combination;
      const measured = await bench.run(system, {
        mode,
        connections: options.connections,
        eventsPerSecond: rate,
        workload: {
          events: Math.max(mode.perRequest, Math.round(rate * options.seconds)),
          entities: options.entities,
          metric: 'rising',
          probeEvery: PROBE_EVERY,
        },
      });
      const verdict = verdictOf(measured, options.seconds * 1_000);
      if (verdict !== 'yes') saturated.add(combination);
      steps.push({ ...combination, rate, measured, verdict });
    }
  }
  return steps;
}

function verdictOf({ refusals, takenMs, countedMs }: Measured, stepMs: number): string {
  if (refusals.length > 0) return `no: ${refusals.length} requests refused (${refusals[0]?.slice(0, 60)})`;
  if (takenMs > stepMs + TAKEN_LATE_MS) return `no: taken ${seconds(takenMs - stepMs)} s late`;
  if (countedMs > stepMs + COUNTED_LATE_MS) return `no: counted ${seconds(countedMs - stepMs)} s late`;
  return 'yes';
}

const seconds = (ms: number) => (ms / 1_000).toFixed(1);

/** The steps as a table. */
export function risingTable(steps: readonly Step[], all: readonly Combination[]): string {
  const head = [
    'system',
    'requests',
    'events/s',
    '202 after, p50',
    'p99',
    'readable after, p50',
    'p99',
    'p99.9',
    'probes',
    'cores: system',
    'generator',
    'kept up',
  ];
  const rows = all.flatMap((combination) =>
    steps
      .filter(({ system, mode }) => system === combination.system && mode === combination.mode)
      .map(({ system, mode, rate, measured, verdict }) => {
        const { latenciesMs, freshnessMs, countedMs, systemCpuMs, cpuMs } = measured;
        return [
          LABELS[system.name],
          mode.name,
          String(rate),
          ...[median(latenciesMs), quantile(latenciesMs, 0.99)].map((ms) => ms.toFixed(1)),
          ...[0.5, 0.99, 0.999].map((share) => quantile(freshnessMs, share).toFixed(0)),
          String(freshnessMs.length),
          ...[systemCpuMs, cpuMs].map((ms) => (ms / countedMs).toFixed(2)),
          verdict,
        ];
      }),
  );
  return table(head, rows);
}
