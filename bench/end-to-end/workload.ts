// The load: which entity an event is of, requests made of events, and what they must come to.
import { randomUUID } from 'node:crypto';

/** Whose counters: Zipf with exponent 1 over so many entities, all of one entity, or each event of an entity of its own. */
export type Entities = number | 'one' | 'each';

/** How a producer sends its events. */
export interface Mode {
  readonly name: string;
  readonly perRequest: number;
  /** Whether a request is a batch under a key, one record of the stream, as the client sends them. */
  readonly batched: boolean;
}

/** The ways to send events. */
export const MODES = {
  single: { name: '1 a request', perRequest: 1, batched: false },
  hundred: { name: '100 a request', perRequest: 100, batched: false },
  batch: { name: '100 a request, as a batch', perRequest: 100, batched: true },
} as const satisfies Record<string, Mode>;

/** An event as a client reports it. */
export interface BenchEvent {
  readonly id: string;
  readonly metric: string;
  readonly entity: string;
  readonly at?: number;
  readonly n?: number;
}

/** What a load is made of. */
export interface Workload {
  readonly events: number;
  readonly perRequest: number;
  readonly entities: Entities;
  /** The metric of its events. */
  readonly metric: string;
  /** Every so manieth event is a probe; 0: none. */
  readonly probeEvery: number;
  /** Hour of the first probe, epoch milliseconds: nobody else may have counted there. */
  readonly probesFromMs: number;
}

/** The metric and the entity of probes. */
export const PROBE = 'probe';
/** Amounts of probes are powers of two: so many add up in a minute without touching one another. */
const PROBES_A_MINUTE = 29;
/** Probes that one hour takes. */
export const PROBES_AN_HOUR = PROBES_A_MINUTE * 60;
export const HOUR_MS = 3_600_000;

/** The events of a load, request by request; probes are numbered from 0. */
export function makeRequests(workload: Workload): BenchEvent[][] {
  const pick = picker(workload.entities);
  const { metric, probeEvery, probesFromMs, perRequest } = workload;
  const all = Array.from({ length: workload.events }, (_, index): BenchEvent => {
    const probe = probeEvery > 0 && index % probeEvery === 0 ? index / probeEvery : undefined;
    const counted = probe === undefined ? { metric, entity: pick(index) } : probeCount(probe, probesFromMs);
    return { id: randomUUID(), ...counted };
  });
  const starts = Array.from({ length: Math.ceil(all.length / perRequest) }, (_, index) => index * perRequest);
  return starts.map((start) => all.slice(start, start + perRequest));
}

/** What probe `number` counts: an amount that nothing else in its minute has a bit of. */
function probeCount(number: number, fromMs: number) {
  const at = fromMs + Math.floor(number / PROBES_A_MINUTE) * 60_000;
  return { metric: PROBE, entity: PROBE, at, n: 2 ** (number % PROBES_A_MINUTE) };
}

/** The probe an event is, by its number. */
export function probeOf({ metric, at = 0, n = 1 }: BenchEvent, fromMs: number): number | undefined {
  if (metric !== PROBE) return undefined;
  return Math.round((at - fromMs) / 60_000) * PROBES_A_MINUTE + Math.log2(n);
}

/** The probes that a minute's count shows. @param minute from the first probe's on */
export function* probesIn(minute: number, n: number): Iterable<number> {
  for (let bit = 0; bit < PROBES_A_MINUTE; bit += 1)
    if ((n >>> bit) & 1) yield minute * PROBES_A_MINUTE + bit;
}

/** Adds what events count to sums by `metric#entity`. */
export function addCounts(sums: Map<string, number>, events: readonly BenchEvent[]): void {
  for (const { metric, entity, n = 1 } of events) {
    const name = `${metric}#${entity}`;
    sums.set(name, (sums.get(name) ?? 0) + n);
  }
}

function picker(entities: Entities): (index: number) => string {
  if (entities === 'one') return () => '/page/only';
  const run = randomUUID();
  if (entities === 'each') return (index) => `/page/${run}/${index}`;
  const upTo: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= entities; rank += 1) {
    sum += 1 / rank;
    upTo.push(sum);
  }
  return () => {
    const at = Math.random() * sum;
    let [low, high] = [0, entities - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] ?? 0) > at) high = middle;
      else low = middle + 1;
    }
    return `/page/${low}`;
  };
}
