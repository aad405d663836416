// Rollup messages: one segment's rows on their way through SQS, as ASCII JSON.
import { InvalidIdentifier, type PartName, parseSegmentId, type SegmentId } from './identifiers.ts';
import type { RollupConfig } from './segment.ts';
import { type BucketMinutes, isBucketMinutes, parseBucketName } from './time.ts';

/** What one segment adds to one counter item. At most one row of a segment goes to each counter item. */
export interface RollupRow {
  /** The bucket's name, see `bucketName`. */
  readonly bucket: string;
  readonly metric: string;
  readonly entity: string;
  /** How many events the row holds; a signed sum can not be audited. */
  readonly events: number;
  /** Sums by minute of the hour, `0` to `59`. */
  readonly minutes: Readonly<Record<number, number>>;
}

/** A rollup message: its name and its body. */
export interface RollupMessage extends PartName {
  /** ASCII JSON `{ v, segment, part, bucketMinutes, rows: [[bucket, metric, entity, events, minutes], …] }`. */
  readonly body: string;
}

/** A rollup message and what the ledger keeps of it. */
export interface RollupPart {
  readonly message: RollupMessage;
  readonly events: number;
}

/** What a rollup message's body says. */
export interface RollupContent extends PartName {
  readonly bucketMinutes: BucketMinutes;
  readonly rows: readonly RollupRow[];
}

/** A body that is no rollup message: poison, which no number of attempts will cure. */
export class InvalidRollupMessage extends Error {
  override readonly name = 'InvalidRollupMessage';
}

const FORMAT_VERSION = 1;
/** More than the frame around the rows can take: an id, two numbers and the field names. */
const FRAME_BYTES_MAX = 128;

/**
 * Splits rows into messages of at most `config.partBytesMax` bytes, in order. A single row that is larger has a message
 * of its own (a row is at most about 9 KB: 512 escaped characters and 60 minutes).
 */
export function encodeParts(
  segment: SegmentId,
  rows: readonly RollupRow[],
  config: Pick<RollupConfig, 'bucketMinutes' | 'partBytesMax'>,
): RollupPart[] {
  const parts: RollupPart[] = [];
  let texts: string[] = [];
  let bytes = FRAME_BYTES_MAX;
  let events = 0;
  const close = () => {
    const part = parts.length;
    const frame = `{"v":${FORMAT_VERSION},"segment":"${segment}","part":${part},"bucketMinutes":${config.bucketMinutes}`;
    parts.push({ message: { segment, part, body: `${frame},"rows":[${texts.join(',')}]}` }, events });
    texts = [];
    bytes = FRAME_BYTES_MAX;
    events = 0;
  };
  for (const row of rows) {
    const text = rowText(row);
    if (texts.length > 0 && bytes + text.length + 1 > config.partBytesMax) close();
    texts.push(text);
    bytes += text.length + 1;
    events += row.events;
  }
  if (texts.length > 0) close();
  return parts;
}

/** A row as `JSON.stringify` would write it, but ASCII. Names of buckets and metrics have nothing that JSON escapes. */
function rowText({ bucket, metric, entity, events, minutes }: RollupRow): string {
  return `["${bucket}","${metric}",${ascii(JSON.stringify(entity))},${events},${JSON.stringify(minutes)}]`;
}

/** Escapes what is not ASCII: SQS refuses or replaces some code points. */
function ascii(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Reads a rollup message's body.
 * @throws InvalidRollupMessage when it is not one, with the reason
 */
export function decodeRollupMessage(body: string): RollupContent {
  const value = parseJson(body);
  if (typeof value !== 'object' || value === null) throw new InvalidRollupMessage('not an object');
  const { v, segment, part, bucketMinutes, rows } = value as Record<string, unknown>;
  if (v !== FORMAT_VERSION)
    throw new InvalidRollupMessage(`format version ${JSON.stringify(v)} is not known`);
  if (!isBucketMinutes(bucketMinutes)) throw new InvalidRollupMessage('bucketMinutes is not a divisor of 60');
  if (!isCount(part)) throw new InvalidRollupMessage('part is not a number from 0');
  if (!Array.isArray(rows) || rows.length === 0) throw new InvalidRollupMessage('rows is not a filled array');
  return {
    segment: segmentNamed(segment),
    part,
    bucketMinutes,
    rows: rows.map((row, index) => decodeRow(row, index)),
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new InvalidRollupMessage('not JSON', { cause });
  }
}

function segmentNamed(segment: unknown): SegmentId {
  try {
    return parseSegmentId(String(segment)).id;
  } catch (cause) {
    if (cause instanceof InvalidIdentifier) throw new InvalidRollupMessage(cause.message, { cause });
    throw cause;
  }
}

function decodeRow(row: unknown, index: number): RollupRow {
  const refuse = (what: string): never => {
    throw new InvalidRollupMessage(`row ${index}: ${what}`);
  };
  if (!Array.isArray(row) || row.length !== 5) return refuse('not an array of five');
  const [bucket, metric, entity, events, minutes] = row as unknown[];
  if (typeof bucket !== 'string' || parseBucketName(bucket) === undefined) return refuse('no bucket');
  if (typeof metric !== 'string' || metric === '' || metric.includes('#')) return refuse('no metric');
  if (typeof entity !== 'string' || entity === '') return refuse('no entity');
  if (!isCount(events) || events === 0) return refuse('events is not a positive number');
  if (typeof minutes !== 'object' || minutes === null) return refuse('no minutes');
  const entries = Object.entries(minutes);
  const valid = entries.every(([minute, n]) => /^[1-5]?\d$/.test(minute) && Number.isSafeInteger(n));
  if (entries.length === 0 || !valid) return refuse('minutes are not sums by minute of the hour');
  return { bucket, metric, entity, events, minutes: minutes as Record<number, number> };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
