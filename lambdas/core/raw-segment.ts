// A segment's raw records as one object of the archive: its key, its text, and parsing both.
import { createHash } from 'node:crypto';
import { decodeRecord } from './event.ts';
import {
  InvalidIdentifier,
  parseSegmentId,
  parseSequenceNumber,
  parseShardKey,
  type SegmentId,
  type SequenceNumber,
  type ShardKey,
} from './identifiers.ts';
import type { Head, RollupConfig, StreamRecord } from './segment.ts';
import { hourStartMs } from './time.ts';

export const RAW_PREFIX = 'raw/';

const FORMAT = 1;
const ENDING = '.ndjson.gz';
const KEY = /^raw\/(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)\/([^/]+)\.ndjson\.gz$/;

/** A segment's archived object: identical at every attempt. */
export interface RawObject {
  readonly segment: SegmentId;
  /** The object's key: under the hour of the segment's earliest arrival. */
  readonly key: string;
  /** Keys of empty objects under the other hours in which the segment's records arrived; they name the first. */
  readonly markers: readonly string[];
  /** Its uncompressed content. */
  readonly text: string;
  /** Digest of the text; the segment's entry keeps it. */
  readonly digest: string;
}

/** A record in the archive. */
export interface RawRecord {
  readonly sequenceNumber: SequenceNumber;
  /** When the stream accepted it, epoch milliseconds. */
  readonly arrivalMs: number;
  /** The record's bytes, exactly as in the stream unless events were deleted from it. */
  readonly data: Uint8Array;
  /** Whether events were deleted from it on request. */
  readonly deleted: boolean;
}

/** The parsed content of an archived object. */
export interface RawSegment {
  readonly segment: SegmentId;
  /** All ancestors of the segment's shard that have segments. */
  readonly ancestors: readonly ShardKey[];
  /** The configuration of the segment's rollup. */
  readonly config: RollupConfig;
  readonly records: readonly RawRecord[];
  /** Digest of the current text. */
  readonly digest: string;
}

/** Where a segment's object is stored. */
export interface RawPlace {
  readonly segment: SegmentId;
  /** The start of the hour of its earliest arrival, epoch milliseconds. */
  readonly hourMs: number;
}

/** An object under `raw/` that this code did not write. */
export class InvalidRawObject extends Error {
  override readonly name = 'InvalidRawObject';
}

/**
 * A planned segment's object: a line `{ v, segment, records, ancestors, config }`, then a line
 * `{ sequenceNumber, arrivalMs, data }` for each record, its bytes in base64. A pure function of plan and records.
 */
export function rawObject(
  segment: SegmentId,
  { ancestors, config }: Pick<Head, 'ancestors' | 'config'>,
  records: readonly StreamRecord[],
): RawObject {
  const { slotBits, dedupWindowMs, acceptPastMs, acceptFromMs, acceptFutureMs } = config;
  const head = {
    v: FORMAT,
    segment,
    records: records.length,
    ancestors: ancestors.map(({ shard }) => shard),
    // Field by field: a configuration read from the ledger has its fields in another order.
    config: {
      ...{ slotBits, dedupWindowMs, acceptPastMs, acceptFutureMs },
      ...(acceptFromMs !== undefined && { acceptFromMs }),
    },
  };
  const lines = records.map(({ sequenceNumber, arrivalMs, data }) =>
    rawLine(sequenceNumber, arrivalMs, data),
  );
  const text = `${JSON.stringify(head)}\n${lines.join('\n')}\n`;
  const [first = 0, ...further] = [...new Set(records.map(({ arrivalMs }) => hourStartMs(arrivalMs)))].sort(
    (a, b) => a - b,
  );
  const named = new Date(first).toISOString().slice(0, 'YYYY-MM-DDTHH'.length);
  return {
    segment,
    key: rawKey({ segment, hourMs: first }),
    markers: further.map((hourMs) => `${rawHourPrefix(hourMs)}${segment}.from-${named}`),
    text,
    digest: digestOf(text),
  };
}

/** One record's line. @param deleted whether events were deleted from it */
export function rawLine(
  sequenceNumber: string,
  arrivalMs: number,
  data: Uint8Array,
  deleted = false,
): string {
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  return JSON.stringify({ sequenceNumber, arrivalMs, data: base64, ...(deleted && { deleted }) });
}

/** The prefix of the objects of an hour of arrival. */
export function rawHourPrefix(hourMs: number): string {
  const [date = '', time = ''] = new Date(hourMs).toISOString().split('T');
  return `${RAW_PREFIX}${date.replaceAll('-', '/')}/${time.slice(0, 2)}/`;
}

/** The key of a segment's object. `hourMs` may be any time in the hour of its earliest arrival. */
export function rawKey({ segment, hourMs }: RawPlace): string {
  return `${rawHourPrefix(hourStartMs(hourMs))}${segment}${ENDING}`;
}

/** Parses a key; undefined for a marker, or for a key in another format. */
export function rawPlaceIn(key: string): RawPlace | undefined {
  const match = KEY.exec(key);
  if (match === null) return undefined;
  const [, year, month, day, hour, name = ''] = match;
  const hourMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour));
  try {
    return { segment: parseSegmentId(name).id, hourMs };
  } catch (error) {
    if (error instanceof InvalidIdentifier) return undefined;
    throw error;
  }
}

/** Parses an object's text. @throws InvalidRawObject naming what is wrong */
export function readRawObject(text: string): RawSegment {
  try {
    const [first = '', ...lines] = text.split('\n');
    if (lines.pop() !== '') throw new InvalidRawObject('its last line is cut off');
    const { v, segment, records: count, ancestors, config } = JSON.parse(first);
    if (v !== FORMAT) throw new InvalidRawObject(`its format is ${v}, which this code does not know`);
    const records = lines.map(readLine);
    if (records.length !== count) throw new InvalidRawObject(`it has ${records.length} of ${count} records`);
    return {
      segment: parseSegmentId(segment).id,
      ancestors: (ancestors as string[]).map(parseShardKey),
      config: { ...config, acceptPastMs: config.acceptPastMs },
      records,
      digest: digestOf(text),
    };
  } catch (cause) {
    if (cause instanceof InvalidRawObject) throw cause;
    throw new InvalidRawObject('its lines are not JSON', { cause });
  }
}

function readLine(line: string): RawRecord {
  const { sequenceNumber, arrivalMs, data, deleted = false } = JSON.parse(line);
  if (typeof arrivalMs !== 'number' || typeof data !== 'string')
    throw new InvalidRawObject('a line has no arrival or no data');
  return {
    sequenceNumber: parseSequenceNumber(sequenceNumber),
    arrivalMs,
    data: Buffer.from(data, 'base64'),
    deleted,
  };
}

/** A raw record as read from the stream. Deleted events no longer decode to events. */
export function streamRecord({ sequenceNumber, arrivalMs, data, deleted }: RawRecord): StreamRecord {
  if (!deleted) return { sequenceNumber, arrivalMs, data, ...decodeRecord(data, arrivalMs) };
  if (data.length === 0) return { sequenceNumber, arrivalMs, data, batch: undefined, events: [] };
  const { batch, events } = decodeRecord(data, arrivalMs);
  const left = events.filter((event) => !('rejected' in event && event.rejected === 'not-an-event'));
  return { sequenceNumber, arrivalMs, data, batch, events: left };
}

/** 128 bits suffice to detect a change. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
