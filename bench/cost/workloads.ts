// What comes in: real logs in their order, or Zipf's law; each event with its arrival on the workload's own clock.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Rank } from '../../plan/workload.ts';
import { Random } from '../../simulation/random.ts';

/** A log: which entity each of its events is of. */
export interface Log {
  readonly name: string;
  readonly metric: string;
  readonly entities: readonly string[];
  /** Indexes into `entities`, in the log's order. */
  readonly events: Uint32Array;
  /** How often each entity occurs in the whole log, told by somebody else; undefined where nobody has. */
  readonly truth: ReadonlyMap<string, number> | undefined;
}

/** Where real logs are, unless an option says otherwise: beside the repository, never in it. */
export const DATA_FOLDER = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

const REAL = {
  higgs: {
    file: 'snap_higgs-activity_time.txt.gz',
    metric: 'activity',
    entityOf: (line: string) => line.split(' ')[1] ?? '',
    headLines: 0,
  },
  thebutton: {
    file: 'reddit_thebutton-presses.csv.gz',
    metric: 'press',
    entityOf: (line: string) => line.slice(line.indexOf(',') + 1) || '(none)',
    headLines: 1,
  },
} as const;

/** Names of the workloads. */
export const WORKLOADS = ['higgs', 'thebutton', 'zipf'] as const;

/** Reads a real log or makes the synthetic one; undefined when the log is not on this machine. */
export function logOf(name: (typeof WORKLOADS)[number], folder: string, zipfEvents: number): Log | undefined {
  if (name === 'zipf') return zipfLog(100_000, 1, zipfEvents);
  const { file, metric, entityOf, headLines } = REAL[name];
  if (!existsSync(`${folder}/${file}`)) return undefined;
  const index = new Map<string, number>();
  const events: number[] = [];
  for (const line of linesOf(`${folder}/${file}`).slice(headLines)) {
    const entity = entityOf(line);
    const known = index.get(entity) ?? index.size;
    if (known === index.size) index.set(entity, known);
    events.push(known);
  }
  const truth = linesOf(`${folder}/truth/${name}.entity.tsv.gz`).map((line) => {
    const [entity = '', views] = line.split('\t');
    return [entity, Number(views)] as const;
  });
  return {
    name,
    metric,
    entities: [...index.keys()],
    events: Uint32Array.from(events),
    truth: new Map(truth),
  };
}

function linesOf(path: string): string[] {
  return gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
}

/** Events drawn one by one: the k-th entity's chance goes with k^-skew. */
export function zipfLog(entities: number, skew: number, events: number): Log {
  const random = new Random(`zipf ${entities} ${skew}`);
  const upTo = new Float64Array(entities);
  let sum = 0;
  for (let rank = 0; rank < entities; rank += 1) upTo[rank] = sum += (rank + 1) ** -skew;
  const drawn = Uint32Array.from({ length: events }, () => firstAbove(upTo, random.next() * sum));
  const names = Array.from({ length: entities }, (_, rank) => `/page/${(rank * 7_919_191) % 100_000_007}`);
  return { name: 'zipf', metric: 'pageview', entities: names, events: drawn, truth: undefined };
}

function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A log's beginning, at so many events a second. */
export interface Load {
  readonly log: Log;
  readonly events: number;
  readonly perSecond: number;
  /** One in so many events is sent a second time, some events later; 0: none. */
  readonly repeatEvery: number;
}

/** When every load begins: at the start of an hour, epoch milliseconds. */
export const START_MS = Date.UTC(2026, 10, 23, 8);
/** So many events lie between an event and its repetition. */
const REPEATED_AFTER = 150;

/** One event, as its producer sends it. */
export interface SentEvent {
  readonly id: string;
  readonly metric: string;
  readonly entity: string;
  readonly atMs: number;
  /** When it is sent, epoch milliseconds. */
  readonly arrivalMs: number;
}

/** All events of a load in the order of their arrival, repetitions included. */
export function* eventsOf({ log, events, perSecond, repeatEvery }: Load): Iterable<SentEvent> {
  const at = (index: number) => START_MS + Math.floor((index * 1000) / perSecond);
  const event = (index: number, arrivalMs: number): SentEvent => ({
    id: idOf(index),
    metric: log.metric,
    entity: log.entities[log.events[index] ?? 0] ?? '',
    atMs: at(index),
    arrivalMs,
  });
  for (let index = 0; index < events; index += 1) {
    yield event(index, at(index));
    const earlier = index - REPEATED_AFTER;
    if (repeatEvery > 0 && earlier >= 0 && earlier % repeatEvery === 0) yield event(earlier, at(index));
  }
}

/** An id with a UUID's form, different for every index. */
function idOf(index: number): string {
  const mixed = Math.imul(index + 1, 0x9e3779b1) >>> 0;
  const hex = mixed.toString(16).padStart(8, '0');
  return `${hex}-${hex.slice(4)}-4${hex.slice(1, 4)}-8${hex.slice(5)}-${index.toString(16).padStart(12, '0')}`;
}

/** What counts must be: sums by entity and minute. */
export type Counts = ReadonlyMap<string, number>;

/** Names a count. */
export function countName(entity: string, minuteMs: number): string {
  return `${entity} ${minuteMs}`;
}

/** The reference: every event once, straight into a map. @param repetitions true: repetitions count as well */
export function referenceOf(load: Load, repetitions = false): Counts {
  const counts = new Map<string, number>();
  for (const { entity, atMs } of eventsOf(repetitions ? load : { ...load, repeatEvery: 0 })) {
    const name = countName(entity, atMs - (atMs % 60_000));
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** How frequent the load's counters are, as the plan wants it: entities that occur as often as each other together. */
export function ranksIn({ log, events }: Load): readonly Rank[] {
  const each = new Map<number, number>();
  for (const entity of log.events.subarray(0, events)) each.set(entity, (each.get(entity) ?? 0) + 1);
  const alike = new Map<number, number>();
  for (const times of each.values()) alike.set(times, (alike.get(times) ?? 0) + 1);
  return [...alike]
    .sort(([a], [b]) => b - a)
    .map(([times, counters]) => ({ counters, share: times / events }));
}
