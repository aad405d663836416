// `tally bench end-to-end`: events a second at full speed and at rising rates, compared with one UpdateItem per event, and Redis.
import { machine, median, quantile, spread, table } from './end-to-end/figures.ts';
import { type Entities, MODES, type Mode } from './end-to-end/load.ts';
import { findRedis } from './end-to-end/redis.ts';
import { LABELS, type Measured, type System, startSystems } from './end-to-end/systems.ts';

type Figures = 'seconds' | 'rounds' | 'events' | 'entities' | 'connections';
const options: Record<Figures, number> & { rates: readonly number[] } = JSON.parse(process.argv[2] ?? '{}');
const { rates, seconds, rounds, events, entities, connections } = options;

/** A system, a way to send events, and their entities. */
interface Case {
  readonly system: System;
  readonly mode: Mode;
  readonly entities: Entities;
  readonly rounds: Measured[];
}

/** Connections of the open loop: a system that keeps up never has more requests in flight. */
const OPEN_CONNECTIONS = 64;
/** A system keeps up with a rate if everything is counted this long after the last request was sent. */
const COUNTED_LATE_MS = 3_000;

/**
 * Tally's batches grow with the load, so it gets the most events. A server that counts before it answers has the same
 * rate with fewer, as does Tally when requests or counters have one event each.
 */
function eventsFor({ system, mode, entities: of }: Case): number {
  const share = mode.perRequest === 1 ? 8 : system.name === 'tally' && of !== 'each' ? 1 : 3;
  return Math.max(mode.perRequest, Math.ceil(events / share));
}

/** Interleaved rounds of all cases, after one to warm up. */
async function fullSpeed(cases: readonly Case[]): Promise<void> {
  for (let round = 0; round <= rounds; round += 1) {
    for (const each of cases) {
      const load = { mode: each.mode, entities: each.entities, events: eventsFor(each), connections };
      const measured = await each.system.run(load);
      const [refusal] = measured.refusals;
      if (refusal !== undefined) throw new Error(`${each.system.name} refused a request: ${refusal}`);
      if (round > 0) each.rounds.push(measured);
    }
  }
}

/** Raises the rate, by the same step for all; a combination that did not keep up is dropped. */
async function rising(combinations: readonly Case[]): Promise<string[][]> {
  const rows: string[][] = [];
  const saturated = new Set<Case>();
  for (const eventsPerSecond of rates) {
    for (const each of combinations.filter((one) => !saturated.has(one))) {
      const { system, mode } = each;
      const events = Math.max(mode.perRequest, Math.round(eventsPerSecond * seconds));
      const load = { mode, entities, events, eventsPerSecond, connections: OPEN_CONNECTIONS };
      const { latenciesMs, refusals, takenMs, countedMs, systemCpuMs, cpuMs } = await system.run(load);
      const keptUp = refusals.length === 0 && countedMs <= seconds * 1_000 + COUNTED_LATE_MS;
      if (!keptUp) saturated.add(each);
      rows.push([
        ...[LABELS[system.name], mode.name, String(eventsPerSecond)],
        ...[median(latenciesMs), quantile(latenciesMs, 0.99)].map((ms) => ms.toFixed(1)),
        (countedMs - takenMs).toFixed(0),
        ...[systemCpuMs, cpuMs].map((ms) => (ms / countedMs).toFixed(2)),
        keptUp ? 'yes' : `no: ${refusals[0] ?? `counted ${(countedMs / 1_000 - seconds).toFixed(1)} s late`}`,
      ]);
    }
  }
  return rows;
}

/** Events counted per second, round by round. */
const ratesOf = (one: Case) => one.rounds.map((each) => (each.events / each.countedMs) * 1_000);

function timesUpdateItem(one: Case, cases: readonly Case[]): number {
  const other = cases.find(
    ({ system, entities: of, mode }) =>
      system.name === 'update-item' && of === one.entities && mode.perRequest === one.mode.perRequest,
  );
  return other === undefined ? Number.NaN : median(ratesOf(one)) / median(ratesOf(other));
}

function fullSpeedRow(one: Case, cases: readonly Case[]): string[] {
  const named = { one: 'one', each: 'as many as events' };
  return [
    typeof one.entities === 'number' ? `${one.entities}, Zipf 1` : named[one.entities],
    LABELS[one.system.name],
    one.mode.name,
    spread(one.rounds.map((each) => (each.events / each.takenMs) * 1_000)),
    spread(ratesOf(one)),
    timesUpdateItem(one, cases).toFixed(2),
    spread(one.rounds.map((each) => (each.systemCpuMs / each.events) * 1_000)),
    spread(one.rounds.map((each) => (each.cpuMs / each.events) * 1_000)),
  ];
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const before = machine();
const systems = await startSystems();
try {
  const zipf = systems.flatMap((system) =>
    [MODES.single, MODES.hundred, ...(system.name === 'tally' ? [MODES.batch] : [])].map(
      (mode): Case => ({ system, mode, entities, rounds: [] }),
    ),
  );
  const others = (['one', 'each'] as const).flatMap((of) =>
    systems.map((system): Case => ({ system, mode: MODES.hundred, entities: of, rounds: [] })),
  );
  const cases = [...zipf, ...others];
  await fullSpeed(cases);
  const steps = await rising(zipf);
  const checks: string[] = [];
  for (const system of systems) checks.push(await system.check());
  console.log(`Method: Tally is the local stack of \`npm start\`, in memory. The others are a plain Node HTTP server each, which answers 202 when every event is
counted by a call of its own: UpdateItem (ADD, no condition, the same emulator in a thread), or INCRBY (${findRedis() ?? 'left out: there is no redis-server on PATH'}, append-only
file, fsync every second). Each system has its own processes, and is stopped while another is measured. Events have UUIDs as ids; "as a batch": under a key,
without ids. ${before}

Full speed: ${connections} connections send as fast as they are answered. "taken" is until the last 202, "counted" until GET /v1/status has all events. ${rounds} interleaved rounds
after one to warm up; medians, with the least and the most. µs: processor time an event.

${table(
  [
    ...['entities', 'system', 'requests', 'taken/s', 'counted/s'],
    ...['times UpdateItem', 'µs an event: system', 'generator'],
  ],
  cases.map((one) => fullSpeedRow(one, cases)),
)}

Rising rates: requests leave when it is their time, whether or not others are answered, ${seconds} s a step. Milliseconds: from a request's time to its 202, and from the
last 202 until everything was counted. Kept up: nothing refused, and everything counted ${COUNTED_LATE_MS / 1_000} s after the step's end. cores: processor time by time.

${table(['system', 'requests', 'events/s', '202 after, p50', 'p99', 'all counted after', 'cores: system', 'generator', 'kept up'], steps)}

${checks.join(' ')}
`);
} finally {
  await Promise.all(systems.map((system) => system.stop()));
}
