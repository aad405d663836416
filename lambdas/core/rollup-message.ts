// Rollup messages: deltas of one segment on their way through SQS, ready to store. ASCII JSON.
import type { Delta } from './delta.ts';
import { parseHashRange } from './hash-range.ts';
import { InvalidIdentifier, parseSegmentId, type SegmentId } from './identifiers.ts';

export interface RollupMessage {
  readonly segment: SegmentId;
  /** The parts of the segment that it carries. */
  readonly parts: readonly number[];
  /** ASCII JSON `{ v, segment, runMaxMs, earliestHourMs, deltas: [[part, range, events, rows in base64], …] }`. */
  readonly body: string;
}

/** The parsed body of a rollup message. */
export interface RollupContent {
  readonly segment: SegmentId;
  /** The earliest hour that the segment has rows for, epoch milliseconds. */
  readonly earliestHourMs: number;
  /** At least one. */
  readonly deltas: readonly Delta[];
}

/** A body that is not a rollup message: poison, which fails at every attempt. */
export class InvalidRollupMessage extends Error {
  override readonly name = 'InvalidRollupMessage';
}

const FORMAT_VERSION = 2;
/** A message fills one of SQS's 64 KB billing units, with room for what the service adds; a larger delta gets its own message. */
const BODY_BYTES_MAX = 60_000;

/** Packs a segment's deltas into messages, in order. @param bytesMax of a body, unless a single delta is larger */
export function encodeMessages(
  deltas: readonly Delta[],
  earliestHourMs: number,
  bytesMax = BODY_BYTES_MAX,
): RollupMessage[] {
  const messages: RollupMessage[] = [];
  let parts: number[] = [];
  let texts: string[] = [];
  let bytes = 0;
  const close = ({ segment, runMaxMs }: Delta) => {
    const frame = `{"v":${FORMAT_VERSION},"segment":"${segment}","runMaxMs":${runMaxMs},"earliestHourMs":${earliestHourMs}`;
    messages.push({ segment, parts, body: `${frame},"deltas":[${texts.join(',')}]}` });
    [parts, texts, bytes] = [[], [], 0];
  };
  for (const delta of deltas) {
    const { part, range, events, rows } = delta;
    const text = JSON.stringify([part, range, events, Buffer.from(rows).toString('base64')]);
    if (texts.length > 0 && bytes + text.length > bytesMax) close(delta);
    parts.push(part);
    texts.push(text);
    bytes += text.length + 1;
  }
  const last = deltas.at(-1);
  if (last !== undefined) close(last);
  return messages;
}

/**
 * Parses a rollup message's body.
 * @throws InvalidRollupMessage naming the reason
 */
export function decodeRollupMessage(body: string): RollupContent {
  const value = parseJson(body);
  if (typeof value !== 'object' || value === null) throw new InvalidRollupMessage('not an object');
  const { v, segment: name, runMaxMs, earliestHourMs, deltas } = value as Record<string, unknown>;
  if (v !== FORMAT_VERSION)
    throw new InvalidRollupMessage(`format version ${JSON.stringify(v)} is not known`);
  if (!isCount(runMaxMs)) throw new InvalidRollupMessage('runMaxMs is not a time');
  if (!isCount(earliestHourMs)) throw new InvalidRollupMessage('earliestHourMs is not a time');
  if (!Array.isArray(deltas) || deltas.length === 0)
    throw new InvalidRollupMessage('deltas is not a non-empty array');
  const segment = segmentNamed(name);
  return {
    segment,
    earliestHourMs,
    deltas: deltas.map((delta, index) => ({ segment, runMaxMs, ...decodeDelta(delta, index) })),
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

function decodeDelta(delta: unknown, index: number): Pick<Delta, 'part' | 'range' | 'events' | 'rows'> {
  const refuse = (what: string): never => {
    throw new InvalidRollupMessage(`delta ${index}: ${what}`);
  };
  if (!Array.isArray(delta) || delta.length !== 4) return refuse('not an array of four');
  const [part, range, events, rows] = delta as unknown[];
  if (!isCount(part)) return refuse('part is not a number from 0');
  if (typeof range !== 'string' || !/^[01]{0,32}$/.test(range)) return refuse('no hash range');
  if (!isCount(events) || events === 0) return refuse('events is not a positive number');
  if (typeof rows !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(rows)) return refuse('no rows');
  return { part, range: parseHashRange(range), events, rows: Buffer.from(rows, 'base64') };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
