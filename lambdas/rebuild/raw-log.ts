// The archive of raw records as a replayable log: shards, their descent, and their records in the order in which they were counted.
import { type LogPlace, recordsAt } from '../core/generation.ts';
import {
  compareSequenceNumbers,
  parseSegmentId,
  type SequenceNumber,
  type ShardId,
  type ShardKey,
  shardIdOf,
} from '../counting/identifiers.ts';
import { type RawPlace, type RawSegment, streamRecord } from '../counting/raw-segment.ts';
import type { Head, StreamRecord } from '../counting/segment.ts';
import type { LogRange, StreamLog } from '../ports.ts';
import type { RawHistory, RawReader } from '../raw-ports.ts';

/** Hours of arrival that start in `fromMs <= start < toMs`, epoch milliseconds. */
export interface ArrivalHours {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The archive can not be played; the message says why. */
export class NotPlayable extends Error {
  override readonly name = 'NotPlayable';
}

/** A shard's archived segments. */
export interface ArchivedShard {
  readonly shard: ShardKey;
  /** By number. */
  readonly places: readonly RawPlace[];
  /** All its ancestors of the same generation that had segments, archived or not. */
  readonly ancestors: readonly ShardKey[];
}

/**
 * Looks through the archive.
 * @param generation whose segments are wanted; undefined: there must be only one
 * @throws NotPlayable when there is nothing, or more than one generation to choose from
 */
export async function archivedShards(
  history: RawHistory,
  hours: ArrivalHours | undefined,
  generation: string | undefined,
): Promise<readonly ArchivedShard[]> {
  const found = new Map<ShardKey, RawPlace[]>();
  for await (const place of history.places(hours)) {
    const { shard } = parseSegmentId(place.segment);
    if (generation !== undefined && generationOf(shard) !== generation) continue;
    const places = found.get(shard) ?? [];
    found.set(shard, places);
    places.push(place);
  }
  const generations = [...new Set([...found.keys()].map(generationOf))].sort();
  if (generations.length === 0) throw new NotPlayable('no raw records are archived there');
  if (generations.length > 1)
    throw new NotPlayable(
      `raw records of the generations ${generations.join(', ')} are archived there: play one after the other`,
    );
  const shards: ArchivedShard[] = [];
  for (const [shard, unsorted] of found) {
    const places = unsorted.sort((a, b) => numberOf(a) - numberOf(b));
    const [first] = places;
    if (first === undefined) continue;
    const { ancestors } = await readWhole(history, first);
    // The shard itself in an earlier generation is an ancestor, too, of another archive.
    const own = ancestors.filter((ancestor) => generationOf(ancestor) === generations[0]);
    shards.push({ shard, places, ancestors: own });
  }
  return shards;
}

/** Shards in groups: whoever descends from another comes in a later group than that. */
export function byDescent(shards: readonly ArchivedShard[]): readonly (readonly ArchivedShard[])[] {
  // A descendant has all of its ancestor's ancestors, and the ancestor.
  const groups = Map.groupBy(shards, ({ ancestors }) => ancestors.length);
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** The number of a segment within its shard. */
export function numberOf({ segment }: RawPlace): number {
  return parseSegmentId(segment).segment;
}

/** The generation in a shard's key. */
export function generationOf(shard: ShardKey): string {
  return shard.slice(0, shard.indexOf('.'));
}

/** A segment that is listed. @throws NotPlayable when it is gone meanwhile */
async function readWhole(reader: RawReader, place: RawPlace): Promise<RawSegment> {
  const raw = await reader.readRaw(place);
  if (raw === undefined) throw new NotPlayable(`the raw records of ${place.segment} are gone`);
  return raw;
}

/** Archived segments as the log that the aggregator goes back to. */
export class RawLog implements StreamLog {
  readonly #reader: RawReader;
  readonly #shards: ReadonlyMap<ShardId, ArchivedShard>;

  constructor(reader: RawReader, shards: readonly ArchivedShard[]) {
    this.#reader = reader;
    this.#shards = new Map(shards.map((one) => [shardIdOf(one.shard), one]));
  }

  /** Reads a segment. @throws NotPlayable when it is gone */
  read(place: RawPlace): Promise<RawSegment> {
    return readWhole(this.#reader, place);
  }

  /** The place of the first segment that a head does not say is sent: where playing goes on. */
  async nextPlace({ places }: ArchivedShard, head: Head | undefined): Promise<number> {
    if (head === undefined) return 0;
    return head.status === 'planned'
      ? this.#firstReaching(places, head.first)
      : this.#firstReaching(places, head.last, 1);
  }

  async readRange(shard: ShardId, first: SequenceNumber, last: SequenceNumber): Promise<LogRange> {
    const { places = [] } = this.#shards.get(shard) ?? {};
    const records: StreamRecord[] = [];
    for (let at = await this.#firstReaching(places, first); at < places.length; at += 1) {
      const place = places[at];
      if (place === undefined) break;
      for (const record of (await this.read(place)).records) {
        if (compareSequenceNumbers(record.sequenceNumber, last) > 0) return { records, trimmed: false };
        if (compareSequenceNumbers(record.sequenceNumber, first) >= 0) records.push(streamRecord(record));
      }
    }
    // What is missing here is missing, and not to be taken for trimmed: nobody is to mark it lost.
    return { records, trimmed: false };
  }

  async *readToEnd(shard: ShardId, place: LogPlace): AsyncIterable<readonly StreamRecord[]> {
    const { after } = place;
    const { places = [] } = this.#shards.get(shard) ?? {};
    const from = after === undefined ? 0 : await this.#firstReaching(places, after, 1);
    for (const at of places.slice(from)) {
      const { records } = await this.read(at);
      const fresh = recordsAt(records, place);
      if (fresh.length > 0) yield fresh.map(streamRecord);
    }
  }

  /** All ancestors that are archived: the aggregator asks for parents, and takes whoever is before a shard. */
  async parentsOf(shard: ShardId): Promise<readonly ShardId[]> {
    const { ancestors = [] } = this.#shards.get(shard) ?? {};
    return ancestors.map(shardIdOf).filter((ancestor) => this.#shards.has(ancestor));
  }

  async lists(shard: ShardId): Promise<boolean> {
    return this.#shards.has(shard);
  }

  /** The index of the first place whose last record is at or (`beyond` 1) after a sequence number, by halving. */
  async #firstReaching(places: readonly RawPlace[], sequence: SequenceNumber, beyond = 0): Promise<number> {
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const place = places[middle];
      if (place === undefined) break;
      const last = (await this.read(place)).records.at(-1)?.sequenceNumber;
      if (last === undefined || compareSequenceNumbers(last, sequence) < beyond) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
