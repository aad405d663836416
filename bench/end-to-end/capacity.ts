// What each system counts a second when clients send as fast as they are answered.
import { median, spread, table } from './figures.ts';
import type { Bench, Measured } from './measure.ts';
import type { Combination } from './rising-load.ts';
import type { SystemName } from './system-process.ts';
import { LABELS } from './systems.ts';
import { type Entities, MODES, type Mode } from './workload.ts';

/** How much to send. */
export interface CapacityOptions {
  readonly rounds: number;
  /** Events of a load; less where the rate does not depend on it, see `eventsFor`. */
  readonly events: number;
  /** Different entities of the Zipf load. */
  readonly entities: number;
  readonly connections: number;
}

interface Case extends Combination {
  readonly entities: Entities;
  readonly rounds: Measured[];
}

/** Interleaved rounds of all cases, after one to warm up: each mode on Zipf, and 100 a request on one entity and on as many as events. */
export async function capacity(
  bench: Bench,
  all: readonly Combination[],
  options: CapacityOptions,
): Promise<Case[]> {
  const cases: Case[] = all.map((each) => ({ ...each, entities: options.entities, rounds: [] }));
  for (const entities of ['one', 'each'] as const)
    for (const each of all) if (each.mode === MODES.hundred) cases.push({ ...each, entities, rounds: [] });
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const { system, mode, entities, rounds } of cases) {
      const events = Math.ceil(
        eventsFor(system.name, mode, entities, options.events) / (round === 0 ? 2 : 1),
      );
      const measured = await bench.run(system, {
        mode,
        connections: options.connections,
        workload: { events: Math.max(mode.perRequest, events), entities, metric: 'capacity', probeEvery: 0 },
      });
      if (measured.refusals.length > 0)
        throw new Error(
          `${system.name} refused ${measured.refusals.length} requests: ${measured.refusals[0]}`,
        );
      if (round > 0) rounds.push(measured);
    }
  }
  return cases;
}

/**
 * Tally's batches grow with the load, until they are as large as they may be: it gets the most. A server that counts before it
 * answers counts the last event as fast as the first, and requests of one event, or counters of one event each, leave nothing to gather.
 */
function eventsFor(system: SystemName, mode: Mode, entities: Entities, events: number): number {
  if (mode.perRequest === 1) return events / 8;
  return system === 'tally' && entities !== 'each' ? events : events / 3;
}

const eventsOf = ({ sums }: Measured) => [...sums.values()].reduce((sum, n) => sum + n, 0);
/** Events counted a second, round by round. */
const rates = ({ rounds }: Case) => rounds.map((round) => (eventsOf(round) / round.countedMs) * 1_000);
const nameOf = (entities: Entities) =>
  entities === 'one' ? 'one' : entities === 'each' ? 'as many as events' : `${entities}, Zipf 1`;

/** The cases as a table; ratios are to the UpdateItem system with the same entities and as many events a request. */
export function capacityTable(cases: readonly Case[]): string {
  const head = [
    'entities',
    'system',
    'requests',
    'taken/s',
    'counted/s',
    'times UpdateItem',
    'µs an event: system',
    'generator',
  ];
  const rows = cases.map((each) => {
    const perEvent = (cpuMs: (of: Measured) => number) =>
      spread(each.rounds.map((round) => (cpuMs(round) / eventsOf(round)) * 1_000));
    return [
      nameOf(each.entities),
      LABELS[each.system.name],
      each.mode.name,
      spread(each.rounds.map((round) => (eventsOf(round) / round.takenMs) * 1_000)),
      spread(rates(each)),
      timesUpdateItem(each, cases).toFixed(2),
      perEvent(({ systemCpuMs }) => systemCpuMs),
      perEvent(({ cpuMs }) => cpuMs),
    ];
  });
  return table(head, rows);
}

function timesUpdateItem(one: Case, cases: readonly Case[]): number {
  const other = cases.find(
    ({ system, entities, mode }) =>
      system.name === 'update-item' && entities === one.entities && mode.perRequest === one.mode.perRequest,
  );
  return other === undefined ? Number.NaN : median(rates(one)) / median(rates(other));
}

/** What was aimed at, and whether it was reached: with a record of each event, and with batches. */
export function targetLine(cases: readonly Case[]): string {
  const reached = [MODES.hundred, MODES.batch].map((wanted) => {
    const ours = cases.find(
      ({ system, mode, entities }) =>
        system.name === 'tally' && mode === wanted && typeof entities === 'number',
    );
    const times = ours === undefined ? Number.NaN : timesUpdateItem(ours, cases);
    return `${times >= 2 ? 'reached' : 'missed'} ${wanted.batched ? 'in batches' : 'with one event a record'}, ${times.toFixed(2)} times`;
  });
  return `Target: at least twice the events/s of one UpdateItem an event on the same emulator, 100 events a request: ${reached.join('; ')}.`;
}

/** Where Tally's processor time goes, thread by thread, 100 a request. */
export function threadsTable(cases: readonly Case[]): string {
  const ours = cases.filter(
    ({ system, entities }) => system.name === 'tally' && typeof entities === 'number',
  );
  const perEvent = ({ rounds }: Case, thread: string) =>
    spread(rounds.map((round) => ((round.threadsCpuMs.get(thread) ?? 0) / eventsOf(round)) * 1_000));
  const names = new Set(
    ours.flatMap(({ rounds }) => rounds.flatMap((round) => [...round.threadsCpuMs.keys()])),
  );
  const rows = [...names].map((name) => [name, ...ours.map((each) => perEvent(each, name))]);
  return table(['µs an event', ...ours.map(({ mode }) => mode.name)], rows);
}
