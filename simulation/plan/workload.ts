// What the producers of a history send: events, their retries, batches, and things that are no events at all.
import type { Random } from '../random.ts';
import type { Settings } from './settings.ts';

/** One occurrence of an event in a record, and all that is true about it. */
export interface Occurrence {
  readonly id: string | undefined;
  readonly metric: string;
  readonly entity: string;
  /** When it happened; undefined: when its record arrives. */
  readonly atMs: number | undefined;
  readonly n: number;
  /** Why it can never be counted; undefined when it can. */
  readonly rejected: string | undefined;
}

/** One record on its way into the stream. */
export interface Put {
  readonly atMs: number;
  readonly partitionKey: string;
  readonly data: Uint8Array;
  readonly arrivalSkewMs: number;
  readonly occurrences: readonly Occurrence[];
}

interface Sending {
  readonly atMs: number;
  readonly text: string;
  readonly occurrence: Occurrence;
}

const METRICS = ['views', 'likes', 'play.count'] as const;
const BATCH_SLOT_MS = 4_000;

/** Malformed events and why each is refused; `$ID` stands for a fresh id. */
const MALFORMED: readonly [string, string][] = [
  ['{"metric":"views"}', 'invalid-entity'],
  ['{"metric":"a b","entity":"x"}', 'invalid-metric'],
  ['{"metric":"views","entity":"x","n":1.5}', 'invalid-n'],
  ['{"metric":"views","entity":"x","n":"1"}', 'invalid-n'],
  ['{"metric":"views","entity":"x","at":"yesterday"}', 'invalid-at'],
  ['{"metric":"views","entity":"x","id":""}', 'invalid-id'],
  ['{"metric":"views","entity":"x","colour":"red"}', 'unknown-field'],
  ['"views"', 'not-an-event'],
  ['null', 'not-an-event'],
];
const UNREADABLE: readonly [Uint8Array, string][] = [
  [new Uint8Array([0xff, 0xfe, 0x00]), 'not-utf8'],
  [Buffer.from('{"metric":'), 'not-json'],
  [Buffer.from('[]'), 'empty-pack'],
  [Buffer.from('[[]]'), 'not-an-event'],
];

/**
 * Draws all records that producers send, in the order in which they arrive. An event with an id travels alone under its id, or
 * always in the same batch: what is sent again is the record as it was.
 */
export function drawWorkload(random: Random, settings: Settings): Put[] {
  const { startMs, trafficMs } = settings;
  const events = random.pick([3, 8, 20, 45]);
  const batchedShare = random.pick([0, 0.3, 0.9]);
  const duplicateShare = random.pick([0.1, 0.5]);
  const nameLength = random.pick([0, 0, 200]);
  const puts: Put[] = [];
  const batches = new Map<string, Sending[]>();
  for (let number = 0; number < events; number += 1) {
    const firstMs = startMs + random.between(0, trafficMs);
    const sending = { atMs: firstMs, ...drawEvent(random, number, firstMs, settings, nameLength) };
    if (random.chance(batchedShare)) {
      const name = `batch-${Math.floor(firstMs / BATCH_SLOT_MS)}-${random.between(0, 1)}`;
      batches.set(name, [...(batches.get(name) ?? []), sending]);
      continue;
    }
    const key = sending.occurrence.id ?? `request-${number}`;
    puts.push(...sentAgain(random, settings, putOf(random, settings, key, [sending], false), duplicateShare));
  }
  for (const [name, sendings] of batches) {
    const put = putOf(random, settings, name, random.shuffled(sendings), true);
    puts.push(...sentAgain(random, settings, put, duplicateShare));
  }
  for (let junk = random.pick([0, 0, 1, 2]); junk > 0; junk -= 1) {
    const [data, rejected] = random.pick(UNREADABLE);
    const occurrences = [{ ...NO_EVENT, rejected }];
    const atMs = startMs + random.between(0, trafficMs);
    puts.push({ atMs, partitionKey: `junk-${junk}`, data, arrivalSkewMs: 0, occurrences });
  }
  return puts.sort((a, b) => a.atMs - b.atMs);
}

/** A record, and perhaps the same record again, once or in a chain. */
function sentAgain(random: Random, settings: Settings, put: Put, share: number): Put[] {
  if (!random.chance(share)) return [put];
  const { arrivalSkewMs: most } = settings;
  return [
    put,
    ...drawRetryTimes(random, put.atMs, settings).map((atMs) => ({
      ...put,
      atMs,
      arrivalSkewMs: random.between(-most, most),
    })),
  ];
}

const NO_EVENT = { id: undefined, metric: '', entity: '', atMs: undefined, n: 0 };

function putOf(
  random: Random,
  { arrivalSkewMs }: Settings,
  partitionKey: string,
  sendings: readonly Sending[],
  batched: boolean,
): Put {
  const texts = sendings.map(({ text }) => text);
  return {
    atMs: Math.max(...sendings.map(({ atMs }) => atMs)),
    partitionKey,
    data: Buffer.from(batched ? `[${texts.join(',')}]` : (texts[0] ?? '')),
    arrivalSkewMs: random.between(-arrivalSkewMs, arrivalSkewMs),
    occurrences: sendings.map(({ occurrence }) => occurrence),
  };
}

/** When a producer sends an event again: soon, in a chain that outlasts the window, or long after the window. */
function drawRetryTimes(random: Random, firstMs: number, { dedupWindowLeastMs, rollup }: Settings): number[] {
  const soonMs = Math.floor(dedupWindowLeastMs * 0.8) - BATCH_SLOT_MS;
  if (random.chance(0.2)) {
    return [1, 2, 3].map((retry) => firstMs + retry * soonMs - random.between(0, 5_000));
  }
  const lateMs = rollup.dedupWindowMs * 1.2 + random.between(0, 600_000);
  const times = [firstMs + random.between(0, random.chance(0.5) ? 10_000 : soonMs)];
  if (random.chance(0.3)) times.push((times[0] ?? firstMs) + random.between(0, 8_000));
  if (random.chance(0.2)) times.push(firstMs + Math.floor(lateMs));
  return times;
}

function drawEvent(
  random: Random,
  number: number,
  arrivalMs: number,
  settings: Settings,
  nameLength: number,
): { text: string; occurrence: Occurrence } {
  if (random.chance(0.06)) {
    const [text, rejected] = random.pick(MALFORMED);
    return { text, occurrence: { ...NO_EVENT, rejected } };
  }
  const id = random.chance(0.9) ? `id-${number}` : undefined;
  const metric = random.chance(0.7) ? 'views' : random.pick(METRICS);
  const entity = random.chance(0.5)
    ? 'hot'
    : random.pick(['a', 'b#c', 'd"e', 'ü☃𝕏', `tail-${number}`.padEnd(nameLength, 'x')]);
  const n = random.chance(0.7) ? undefined : random.pick([1, -1, 0, 5, -3, 1_000_000_000, -1_000_000_000]);
  const { atMs, rejected } = drawInstant(random, arrivalMs, settings);
  const at = atMs !== undefined && random.chance(0.5) ? isoWithOffset(atMs, random) : atMs;
  const text = JSON.stringify({ id, metric, entity, at, n });
  return { text, occurrence: { id, metric, entity, atMs, n: n ?? 1, rejected } };
}

/** Most events just happened; some are late, some from a clock that runs ahead, some beyond what is accepted. */
function drawInstant(
  random: Random,
  arrivalMs: number,
  { rollup: { acceptPastMs } }: Settings,
): { atMs: number | undefined; rejected: string | undefined } {
  const accepted = (atMs: number | undefined) => ({ atMs, rejected: undefined });
  if (random.chance(0.25)) return accepted(undefined);
  if (random.chance(0.6)) return accepted(arrivalMs - random.between(0, 90_000));
  if (random.chance(0.6)) return accepted(arrivalMs - random.between(0, 4_000_000));
  if (random.chance(0.5)) return accepted(arrivalMs + random.between(0, 200_000));
  if (acceptPastMs === undefined || random.chance(0.5)) {
    return { atMs: arrivalMs + 12 * 3_600_000 + random.between(0, 1_000_000), rejected: 'too-new' };
  }
  return { atMs: arrivalMs - acceptPastMs - random.between(3_600_000, 90_000_000), rejected: 'too-old' };
}

function isoWithOffset(atMs: number, random: Random): string {
  const hours = random.pick([0, 2, 5]);
  const text = new Date(atMs + hours * 3_600_000).toISOString().slice(0, -1);
  return hours === 0 ? `${text}Z` : `${text}+0${hours}:00`;
}
