// What each system counts a second when clients send as fast as they are answered.
import { median, spread, table } from './figures.ts';
import type { Bench, Measured } from './measure.ts';
import type { Combination } from './rising-load.ts';
import { LABELS } from './systems.ts';
import { type Entities, MODES } from './workload.ts';

/** How much to send. */
export interface CapacityOptions {
  readonly rounds: number;
  /** Events of a load of 100 a request; one a request is a fifth of it. */
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
      const part = (mode.perRequest === 1 ? 5 : 1) * (round === 0 ? 10 : 1);
      const events = Math.max(mode.perRequest, Math.round(options.events / part));
      const measured = await bench.run(system, {
        mode,
        connections: options.connections,
        workload: { events, entities, metric: 'capacity', probeEvery: 0 },
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

/** What was aimed at, and whether it was reached. */
export function targetLine(cases: readonly Case[]): string {
  const ours = cases.find(
    ({ system, mode, entities }) =>
      system.name === 'tally' && mode === MODES.hundred && typeof entities === 'number',
  );
  const times = ours === undefined ? Number.NaN : timesUpdateItem(ours, cases);
  return `Target: at least twice the events/s of one UpdateItem an event on the same emulator, 100 events a request: ${times >= 2 ? 'reached' : 'missed'}, ${times.toFixed(2)} times.`;
}
