// What each system counts when a request is sent again, and when its processes are killed.
import type { Child } from './child.ts';
import { table } from './figures.ts';
import type { GeneratorCalls, LoadJob, LoadResult } from './generator.ts';
import { progress, settledCounts } from './measure.ts';
import { findRedis, type Persistence } from './redis.ts';
import { LABELS, type RunningSystem, startSystem } from './systems.ts';
import type { Mode } from './workload.ts';

/** One experiment. */
interface Outcome {
  readonly label: string;
  readonly kind: 'again' | 'killed';
  readonly sent: number;
  readonly sentAgain: number;
  readonly counted: number;
}

/** Small requests, so that one in a hundred is soon there, and some are under way whenever the process is killed. */
export const FAULT_MODE: Mode = { name: '20 a request', perRequest: 20, batched: false };
/** One of so many requests is sent again. */
const AGAIN_EVERY = 100;

/** Runs both experiments on systems of their own, which keep their data in files. @param events of each load */
export async function faults(
  generator: Child<GeneratorCalls>,
  events: number,
  connections: number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const each = async (name: RunningSystem['name'], persistence?: Persistence) => {
    const system = await startSystem(name, { keepsData: true, ...(persistence && { persistence }) });
    const label = persistence === undefined ? LABELS[name] : `${LABELS[name]}, ${PERSISTENCE[persistence]}`;
    try {
      for (const kind of ['again', 'killed'] as const)
        outcomes.push({ label, kind, ...(await experiment(generator, system, kind, events, connections)) });
    } finally {
      await system.stop();
    }
  };
  await each('tally');
  await each('update-item');
  if (findRedis() !== undefined) {
    await each('redis', 'everysec');
    await each('redis', 'snapshots');
  }
  return outcomes;
}

const PERSISTENCE: Readonly<Record<Persistence, string>> = {
  everysec: 'append-only file, fsync every second',
  snapshots: 'snapshots as by default',
};

async function experiment(
  generator: Child<GeneratorCalls>,
  system: RunningSystem,
  kind: Outcome['kind'],
  events: number,
  connections: number,
) {
  const job: LoadJob = {
    target: system.target,
    mode: FAULT_MODE,
    connections,
    workload: {
      events,
      perRequest: FAULT_MODE.perRequest,
      entities: 1_000,
      metric: kind,
      probeEvery: 0,
      probesFromMs: 0,
    },
    untilCounted: false,
    ...(kind === 'again' ? { againEvery: AGAIN_EVERY } : {}),
  };
  progress(`${system.name}: ${kind}`);
  const running = generator.call('run', job);
  if (kind === 'killed') await killInTheMiddle(generator, system, events, running);
  const { sums, sentAgain } = await running;
  const counts = await settledCounts(system, sums);
  const ofMetric = [...counts].filter(([name]) => name.startsWith(`${kind}#`));
  return { sent: events, sentAgain, counted: ofMetric.reduce((sum, [, n]) => sum + n, 0) };
}

/** Clients send again what nobody answered, as clients do. */
async function killInTheMiddle(
  generator: Child<GeneratorCalls>,
  system: RunningSystem,
  events: number,
  running: Promise<LoadResult>,
): Promise<void> {
  running.catch(() => {});
  while ((await generator.call('taken')) < events / 4) await new Promise((resolve) => setTimeout(resolve, 2));
  // Requests of one moment are often answered together: a moment later some are done in part.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
  await system.killAndRestart();
}

/** The outcomes as a table. */
export function faultsTable(outcomes: readonly Outcome[]): string {
  const head = ['system', 'what happens', 'events sent', 'counted', 'error'];
  const rows = outcomes.map(({ label, kind, sent, sentAgain, counted }) => [
    label,
    kind === 'again'
      ? `one request in ${AGAIN_EVERY} sent again (${sentAgain} events)`
      : 'killed (SIGKILL) in the middle and started again; what was not answered is sent again',
    String(sent),
    String(counted),
    `${counted - sent} (${((counted / sent - 1) * 100).toFixed(2)} %)`,
  ]);
  return table(head, rows);
}

/** @throws Error unless Tally is exact, and what must be counted twice by others was */
export function checkFaults(outcomes: readonly Outcome[]): void {
  for (const { label, kind, sent, sentAgain, counted } of outcomes) {
    const exact = label === LABELS.tally;
    if (exact && counted !== sent) throw new Error(`${label} counted ${counted} of ${sent} events (${kind})`);
    if (!exact && kind === 'again' && counted !== sent + sentAgain)
      throw new Error(`${label} counted ${counted} events where ${sent + sentAgain} were sent`);
  }
}
