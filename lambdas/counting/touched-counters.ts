// Which counters a segment touches, hour by hour: what the compactor has to look at again, kept beside the segment's entry.
import type { RollupRow } from './rollup-message.ts';
import { HOUR_MS, parseBucketName } from './time.ts';

/** An hour of a counter that a segment adds to. */
export interface TouchedHour {
  readonly metric: string;
  readonly entity: string;
  /** The hour's start, epoch milliseconds. */
  readonly hourMs: number;
}

/** Most bytes of one chunk before it is compressed; an item ends at 400 KB. */
export const TOUCHED_CHUNK_BYTES = 300_000;

/** Keys that cannot be read: written by code that this code does not know. */
export class InvalidTouchedCounters extends Error {
  override readonly name = 'InvalidTouchedCounters';
}

/** Entities of one metric in one hour, counted from the epoch. */
export type TouchedGroup = readonly [hour: number, metric: string, entities: readonly string[]];

/**
 * The hours that rows add to, as JSON texts `[[hour, metric, [entity, …]], …]` of at most `chunkBytes` bytes each, hours
 * counted from the epoch. A function of the rows alone, so that every attempt at a segment keeps the same.
 */
export function encodeTouched(
  rows: readonly Pick<RollupRow, 'bucket' | 'metric' | 'entity'>[],
  chunkBytes = TOUCHED_CHUNK_BYTES,
): string[] {
  const chunks: string[] = [];
  let groups: string[] = [];
  let bytes = 2;
  for (const { hour, metric, entities } of grouped(rows)) {
    let texts: string[] = [];
    const close = () => {
      if (texts.length > 0) groups.push(`[${hour},"${metric}",[${texts.join(',')}]]`);
      texts = [];
    };
    for (const entity of entities) {
      const text = JSON.stringify(entity);
      const entityBytes = Buffer.byteLength(text) + 1;
      const frameBytes = metric.length + 24;
      const isFilled = groups.length > 0 || texts.length > 0;
      if (isFilled && bytes + entityBytes + (texts.length === 0 ? frameBytes : 0) > chunkBytes) {
        close();
        chunks.push(`[${groups.join(',')}]`);
        groups = [];
        bytes = 2;
      }
      if (texts.length === 0) bytes += frameBytes;
      texts.push(text);
      bytes += entityBytes;
    }
    close();
  }
  if (groups.length > 0) chunks.push(`[${groups.join(',')}]`);
  return chunks;
}

/** Entities by hour and metric, each once: narrow buckets and further items of a bucket share an hour. */
function grouped(rows: readonly Pick<RollupRow, 'bucket' | 'metric' | 'entity'>[]) {
  const groups = new Map<string, { hour: number; metric: string; entities: Set<string> }>();
  let last: Pick<RollupRow, 'bucket' | 'metric'> | undefined;
  let entities = new Set<string>();
  for (const row of rows) {
    // Sorted rows of a bucket and metric stand together.
    if (row.bucket !== last?.bucket || row.metric !== last.metric) {
      const startMs = parseBucketName(row.bucket);
      if (startMs === undefined) throw new RangeError(`"${row.bucket}" names no bucket`);
      const hour = Math.floor(startMs / HOUR_MS);
      const name = `${hour}#${row.metric}`;
      entities = groups.get(name)?.entities ?? new Set();
      groups.set(name, { hour, metric: row.metric, entities });
      last = row;
    }
    entities.add(row.entity);
  }
  return groups.values();
}

/** Reads a chunk, group by group: no object is made for a touched hour. @throws InvalidTouchedCounters when it is none */
export function touchedGroups(chunk: string): readonly TouchedGroup[] {
  const groups: unknown = JSON.parse(chunk);
  if (!Array.isArray(groups)) throw new InvalidTouchedCounters('not an array');
  for (const group of groups as unknown[]) {
    if (!Array.isArray(group) || group.length !== 3 || !Array.isArray(group[2])) {
      throw new InvalidTouchedCounters('not [hour, metric, entities]');
    }
  }
  return groups as readonly TouchedGroup[];
}

/** Reads a chunk, hour by hour. @throws InvalidTouchedCounters when it is none */
export function* decodeTouched(chunk: string): Iterable<TouchedHour> {
  for (const [hour, metric, entities] of touchedGroups(chunk)) {
    for (const entity of entities) yield { metric, entity, hourMs: hour * HOUR_MS };
  }
}
