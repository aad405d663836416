// A segment's raw records as one object of the archive: its key, its text, and reading both again.
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
import { HOUR_MS } from './time.ts';

/** Where raw records lie in the archive. */
export const RAW_PREFIX = 'raw/';

const FORMAT = 1;
const ENDING = '.ndjson.gz';
const KEY = /^raw\/(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)\/([^/]+)\.ndjson\.gz$/;

/** What is archived of a segment: the same at every attempt at it. */
export interface RawObject {
  readonly segment: SegmentId;
  /** The object's key: below the hour of the segment's least arrival. */
  readonly key: string;
  /** Keys of empty objects below the further hours in which records of the segment arrived; they name the first. */
  readonly markers: readonly string[];
  /** What is in it, before it is compressed. */
  readonly text: string;
  /** Digest of the text; the segment's entry keeps it. */
  readonly digest: string;
}

/** A record as the archive has it. */
export interface RawRecord {
  readonly sequenceNumber: SequenceNumber;
  /** When the stream took it, epoch milliseconds. */
  readonly arrivalMs: number;
  /** The record's bytes, exactly as in the stream unless something was deleted from them. */
  readonly data: Uint8Array;
  /** Whether events were taken out of it on request. */
  readonly deleted: boolean;
}

/** What an object of the archive says of its segment. */
export interface RawSegment {
  readonly segment: SegmentId;
  /** All ancestors of the segment's shard that have segments. */
  readonly ancestors: readonly ShardKey[];
  /** What the segment was rolled up with. */
  readonly config: RollupConfig;
  /** In the order of the stream. */
  readonly records: readonly RawRecord[];
  /** Digest of the text as it is now. */
  readonly digest: string;
}

/** Where a segment's object lies. */
export interface RawPlace {
  readonly segment: SegmentId;
  /** The start of the hour of its least arrival, epoch milliseconds. */
  readonly hourMs: number;
}

/** An object below `raw/` that is not what this code writes there. */
export class InvalidRawObject extends Error {
  override readonly name = 'InvalidRawObject';
}

/**
 * A planned segment's object: a line `{ v, segment, records, ancestors, config }`, then a line
 * `{ sequenceNumber, arrivalMs, data }` for each record, its bytes as base64. A function of plan and records alone.
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
    // Field by field: a configuration that has been in the ledger comes back in another order.
    config: {
      ...{ slotBits, dedupWindowMs, acceptPastMs, acceptFutureMs },
      ...(acceptFromMs !== undefined && { acceptFromMs }),
    },
  };
  const lines = records.map(({ sequenceNumber, arrivalMs, data }) =>
    rawLine(sequenceNumber, arrivalMs, data),
  );
  const text = `${JSON.stringify(head)}\n${lines.join('\n')}\n`;
  const [first = 0, ...further] = [...new Set(records.map(({ arrivalMs }) => hourOf(arrivalMs)))].sort(
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

/** One record's line. @param deleted whether something was taken out of it */
export function rawLine(
  sequenceNumber: string,
  arrivalMs: number,
  data: Uint8Array,
  deleted = false,
): string {
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  return JSON.stringify({ sequenceNumber, arrivalMs, data: base64, ...(deleted && { deleted }) });
}

/** Below which prefix the objects of an hour of arrival lie. */
export function rawHourPrefix(hourMs: number): string {
  const [date = '', time = ''] = new Date(hourMs).toISOString().split('T');
  return `${RAW_PREFIX}${date.replaceAll('-', '/')}/${time.slice(0, 2)}/`;
}

/** The key of a segment's object. `hourMs` may be any time in the hour of its least arrival. */
export function rawKey({ segment, hourMs }: RawPlace): string {
  return `${rawHourPrefix(hourOf(hourMs))}${segment}${ENDING}`;
}

/** The place that a key names; undefined for a marker, or a key that is none of ours. */
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

/** Reads an object's text. @throws InvalidRawObject saying what is wrong with it */
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

/** A raw record as it was read from the stream. What was deleted from it is no event any more. */
export function streamRecord({ sequenceNumber, arrivalMs, data, deleted }: RawRecord): StreamRecord {
  if (!deleted) return { sequenceNumber, arrivalMs, data, ...decodeRecord(data, arrivalMs) };
  if (data.length === 0) return { sequenceNumber, arrivalMs, data, batch: undefined, events: [] };
  const { batch, events } = decodeRecord(data, arrivalMs);
  const left = events.filter((event) => !('rejected' in event && event.rejected === 'not-an-event'));
  return { sequenceNumber, arrivalMs, data, batch, events: left };
}

function hourOf(ms: number): number {
  return ms - (ms % HOUR_MS);
}

/** 128 bits are enough to notice a change. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
