// What a history's producers send: events, batches, retries, and malformed events.
import { createHash } from 'node:crypto';
import type { Random } from '../random.ts';
import type { Settings } from './settings.ts';

/** One occurrence of an event in a record, and the truth about it. */
export interface Occurrence {
  /** What it has in common with its twins, of which one counts; undefined: it has none. */
  readonly id: string | undefined;
  readonly metric: string;
  readonly entity: string;
  /** When it happened; undefined: when its record arrives. */
  readonly atMs: number | undefined;
  readonly n: number;
  /** Why it can never be counted; undefined when it can. */
  readonly rejected: string | undefined;
  /** Whether it may be too old, depending on which deployment's `acceptPastMs` is in force. */
  readonly mayBeOld?: boolean;
}

/** One record on its way into the stream. */
export interface Put {
  readonly atMs: number;
  readonly partitionKey: string;
  readonly data: Uint8Array;
  readonly arrivalSkewMs: number;
  readonly occurrences: readonly Occurrence[];
}

/** An event as JSON, with its id. */
interface Event {
  readonly text: string;
  readonly id: string | undefined;
  readonly occurrence: Omit<Occurrence, 'id'>;
}

/** A batch: formed once, and retried unchanged. */
interface Batch {
  readonly key: string;
  readonly events: readonly Event[];
}

const METRICS = ['views', 'likes', 'play.count'] as const;

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
  [Buffer.from('[]'), 'invalid-batch'],
  [Buffer.from('[1,"key",[]]'), 'invalid-batch'],
  [Buffer.from('[1,"key",[[]]]'), 'not-an-event'],
];

/** Draws all records that producers send, in the order in which they arrive. */
export function drawWorkload(random: Random, settings: Settings): Put[] {
  const { startMs, trafficMs, burstsMs, size } = settings;
  const events = size === 'window' ? random.between(310, 500) : random.pick([3, 8, 20, 45]);
  const batchedShare = size === 'window' ? 0 : random.pick([0, 0.3, 0.9]);
  const duplicateShare = random.pick([0.1, 0.5]);
  const puts: Put[] = size === 'entities' || size === 'names' ? drawManyEntities(random, settings) : [];
  const drawMs = () => startMs + random.pick(burstsMs) + random.between(0, trafficMs);
  for (let number = 0; number < events * Math.min(3, burstsMs.length); number += 1) {
    const firstMs = drawMs();
    const retried = random.chance(duplicateShare);
    const times = [firstMs, ...(retried ? drawRetryTimes(random, firstMs, settings) : [])];
    if (!random.chance(batchedShare)) {
      const event = drawEvent(random, `${number}`, firstMs, settings);
      const sent = event.id === undefined ? [firstMs] : times;
      for (const atMs of sent) puts.push(alone(random, settings, atMs, event, `request-${number}`));
      continue;
    }
    const batch = drawBatch(random, number, firstMs, settings);
    number += batch.events.length - 1;
    for (const atMs of times) puts.push(batched(random, settings, atMs, batch));
    // A producer that breaks the rule: an event at its old position is a duplicate, and all others count.
    if (random.chance(0.1)) {
      const mixed = { ...batch, events: random.shuffled(batch.events) };
      puts.push(batched(random, settings, firstMs + random.between(0, 10_000), mixed));
    }
  }
  for (let junk = random.pick([0, 0, 1, 2]); junk > 0; junk -= 1) {
    const [data, rejected] = random.pick(UNREADABLE);
    const occurrences = [{ ...NO_EVENT, id: undefined, rejected }];
    const atMs = drawMs();
    puts.push({ atMs, partitionKey: `junk-${junk}`, data, arrivalSkewMs: 0, occurrences });
  }
  return puts.sort((a, b) => a.atMs - b.atMs);
}

/** Ten thousand entities, or a thousand with long names: larger than a page, a message, an item. */
function drawManyEntities(random: Random, settings: Settings): Put[] {
  const [records, length] = settings.size === 'names' ? [3, 400] : [26, random.pick([0, 0, 90])];
  return Array.from({ length: records }, (_, record) => {
    const atMs = settings.startMs + random.between(0, settings.trafficMs);
    const events = Array.from({ length: 400 }, (_, place) => {
      // Digits of a hash, since a name of one letter compresses to nothing.
      const entity = `${record}-${place}-${longName(`${random.next()}`, length)}`;
      const [metric, n] = [METRICS[0], (place % 7) - 1];
      const text = JSON.stringify({ metric, entity, at: atMs, n });
      return { text, id: undefined, occurrence: { metric, entity, atMs, n, rejected: undefined } };
    });
    return batched(random, settings, atMs, { key: `many-${record}`, events });
  });
}

function longName(seed: string, length: number): string {
  let name = '';
  while (name.length < length) name += createHash('sha256').update(`${seed}${name}`).digest('base64');
  return name.slice(0, length);
}

/** Some events of one moment; some have an id, which may occur twice among them, or in another metric. */
function drawBatch(random: Random, number: number, firstMs: number, settings: Settings): Batch {
  const events: Event[] = [];
  for (let place = random.between(1, 8); place > 0; place -= 1) {
    const event = drawEvent(random, `${number}-${place}`, firstMs, settings);
    events.push(event);
    if (event.id !== undefined && random.chance(0.2))
      events.push(random.chance(0.5) ? event : drawEvent(random, event.id.slice(3), firstMs, settings));
  }
  return { key: `batch-${number}`, events };
}

const NO_EVENT = { metric: '', entity: '', atMs: undefined, n: 0 };

function alone(random: Random, settings: Settings, atMs: number, event: Event, key: string): Put {
  const { text, id, occurrence } = event;
  return {
    atMs,
    partitionKey: id ?? key,
    data: Buffer.from(text),
    arrivalSkewMs: drawSkew(random, settings),
    occurrences: [{ ...aged(occurrence, atMs, settings), id: twinsOf(event, undefined) }],
  };
}

function batched(random: Random, settings: Settings, atMs: number, { key, events }: Batch): Put {
  return {
    atMs,
    partitionKey: key,
    data: Buffer.from(`[1,${JSON.stringify(key)},[${events.map(({ text }) => text).join(',')}]]`),
    arrivalSkewMs: drawSkew(random, settings),
    occurrences: events.map((event, place) => ({
      ...aged(event.occurrence, atMs, settings),
      id: twinsOf(event, `${key} ${place}`),
    })),
  };
}

/** An event's identity among duplicates: its id if it has one, otherwise its position. */
function twinsOf(
  { id, occurrence: { metric, entity } }: Event,
  place: string | undefined,
): string | undefined {
  const own = id === undefined ? place && `place ${place}` : `id ${id}`;
  return own && `${metric} ${entity} ${own}`;
}

function drawSkew(random: Random, { arrivalSkewMs }: Settings): number {
  return random.between(-arrivalSkewMs, arrivalSkewMs);
}

/** When a producer retries an event: soon, in a chain that outlasts the window, or long after it. */
function drawRetryTimes(random: Random, firstMs: number, { dedupWindowLeastMs, rollup }: Settings): number[] {
  const soonMs = Math.floor(dedupWindowLeastMs * 0.8);
  if (random.chance(0.2)) {
    return [1, 2, 3].map((retry) => firstMs + retry * soonMs - random.between(0, 5_000));
  }
  const lateMs = rollup.dedupWindowMs * 1.2 + random.between(0, 600_000);
  const times = [firstMs + random.between(0, random.chance(0.5) ? 10_000 : soonMs)];
  if (random.chance(0.3)) times.push((times[0] ?? firstMs) + random.between(0, 8_000));
  if (random.chance(0.2)) times.push(firstMs + Math.floor(lateMs));
  return times;
}

function drawEvent(random: Random, name: string, arrivalMs: number, settings: Settings): Event {
  if (random.chance(0.06)) {
    const [text, rejected] = random.pick(MALFORMED);
    return { text, id: undefined, occurrence: { ...NO_EVENT, rejected } };
  }
  const id = random.chance(0.9) ? `id-${name}` : undefined;
  const metric = random.chance(0.7) ? 'views' : random.pick(METRICS);
  // Long names, so that small segments are cut.
  const tail = `tail-${name}`.padEnd(random.pick([0, 0, 300]), 'x');
  const entity = random.chance(0.5) ? 'hot' : random.pick(['a', 'b#c', 'd"e', 'ü☃𝕏', tail]);
  const n = random.chance(0.7) ? undefined : random.pick([1, -1, 0, 5, -3, 1_000_000_000, -1_000_000_000]);
  const { atMs, rejected } = drawInstant(random, arrivalMs, settings);
  const at = atMs !== undefined && random.chance(0.5) ? isoWithOffset(atMs, random) : atMs;
  const text = JSON.stringify({ id, metric, entity, at, n });
  return { text, id, occurrence: { metric, entity, atMs, n: n ?? 1, rejected } };
}

/** Most events just happened; some are late, some from a clock that runs ahead, some beyond what is accepted. */
function drawInstant(
  random: Random,
  arrivalMs: number,
  { acceptPastsMs }: Settings,
): { atMs: number | undefined; rejected: string | undefined } {
  const accepted = (atMs: number | undefined) => ({ atMs, rejected: undefined });
  if (random.chance(0.25)) return accepted(undefined);
  if (random.chance(0.6)) return accepted(arrivalMs - random.between(0, 90_000));
  if (random.chance(0.6)) return accepted(arrivalMs - random.between(0, 4_000_000));
  if (random.chance(0.5)) return accepted(arrivalMs + random.between(0, 200_000));
  const acceptPastMs = random.pick(acceptPastsMs);
  if (acceptPastMs === undefined || random.chance(0.5)) {
    return { atMs: arrivalMs + 12 * 3_600_000 + random.between(0, 1_000_000), rejected: 'too-new' };
  }
  return accepted(arrivalMs - acceptPastMs - random.between(-60_000, 90_000_000));
}

/** Clocks of the stream's hosts differ by less. */
const AGE_MARGIN_MS = 10_000;

/** Judges an event by its age when it arrives: too old for every deployment, for some, or for none. */
function aged<T extends Omit<Occurrence, 'id'>>(occurrence: T, arrivalMs: number, settings: Settings): T {
  const { atMs, rejected } = occurrence;
  if (atMs === undefined || rejected !== undefined) return occurrence;
  const limitsMs = settings.acceptPastsMs.map((limit) => limit ?? Number.POSITIVE_INFINITY);
  const ageMs = arrivalMs - atMs;
  if (ageMs > Math.max(...limitsMs) + AGE_MARGIN_MS) return { ...occurrence, rejected: 'too-old' };
  return ageMs > Math.min(...limitsMs) - AGE_MARGIN_MS ? { ...occurrence, mayBeOld: true } : occurrence;
}

function isoWithOffset(atMs: number, random: Random): string {
  const hours = random.pick([0, 2, 5]);
  const text = new Date(atMs + hours * 3_600_000).toISOString().slice(0, -1);
  return hours === 0 ? `${text}Z` : `${text}+0${hours}:00`;
}
