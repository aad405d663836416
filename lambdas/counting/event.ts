// What a client reports: reading events out of a stream record, and saying why one can never be counted.
import { isUtf8 } from 'node:buffer';
import { parseInstant } from './time.ts';

/** A well-formed event, its defaults filled in. */
export interface CountableEvent {
  /** The client's own id, 1 to 128 characters; without one the event has no protection against its producer's retries. */
  readonly id: string | undefined;
  readonly metric: string;
  readonly entity: string;
  /** When it happened, epoch milliseconds. */
  readonly atMs: number;
  /** How much it counts: a signed integer. */
  readonly n: number;
}

/** Why an event can never be counted. The codes are part of the interface: metrics and the archive carry them. */
export type RejectionReason =
  | 'not-utf8'
  | 'not-json'
  | 'not-an-event'
  | 'unknown-field'
  | 'invalid-id'
  | 'invalid-metric'
  | 'invalid-entity'
  | 'invalid-at'
  | 'invalid-n'
  | 'empty-pack'
  | 'pack-too-large'
  | 'too-old'
  | 'too-new';

/** One event of a record, or the reason why it is none. */
export type DecodedEvent = CountableEvent | { readonly rejected: RejectionReason };

/** Most events that one packed record may carry; a larger pack is rejected whole. */
export const PACK_EVENTS_MAX = 10_000;
/** Largest amount, either way, that one event may count. */
export const AMOUNT_MAX = 1_000_000_000;

const METRIC = /^[A-Za-z0-9_.-]{1,64}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses.
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;
const FIELDS: ReadonlySet<string> = new Set(['id', 'metric', 'entity', 'at', 'n']);

/**
 * Decodes one record of the stream.
 * @param data the record's bytes: UTF-8 JSON of one event, or of an array of events (a packed record)
 * @param arrivalMs when the stream took the record; the time of an event that has no `at`
 * @returns one entry for each event, in order; a record that can not be read at all is one rejected entry. Never throws.
 */
export function decodeRecord(data: Uint8Array, arrivalMs: number): DecodedEvent[] {
  if (!isUtf8(data)) return [{ rejected: 'not-utf8' }];
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));
  } catch {
    return [{ rejected: 'not-json' }];
  }
  if (!Array.isArray(value)) return [decodeEvent(value, arrivalMs)];
  if (value.length === 0) return [{ rejected: 'empty-pack' }];
  if (value.length > PACK_EVENTS_MAX) return [{ rejected: 'pack-too-large' }];
  return value.map((event) => decodeEvent(event, arrivalMs));
}

/** Decodes one event out of its JSON, parsed. @param arrivalMs the time of an event that has no `at` */
export function decodeEvent(value: unknown, arrivalMs: number): DecodedEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { rejected: 'not-an-event' };
  for (const field in value) if (!FIELDS.has(field)) return { rejected: 'unknown-field' };
  const { id, metric, entity, at, n = 1 } = value as Record<string, unknown>;
  if (id !== undefined && !isText(id, 128)) return { rejected: 'invalid-id' };
  if (!isMetric(metric)) return { rejected: 'invalid-metric' };
  if (!isEntity(entity)) return { rejected: 'invalid-entity' };
  if (typeof n !== 'number' || !Number.isInteger(n) || Math.abs(n) > AMOUNT_MAX)
    return { rejected: 'invalid-n' };
  const atMs = at === undefined ? arrivalMs : parseInstant(at);
  if (atMs === undefined) return { rejected: 'invalid-at' };
  return { id, metric, entity, atMs, n: n === 0 ? 0 : n };
}

/** Whether a value is a metric's name: 1 to 64 of `A-Z a-z 0-9 _ . -`. */
export function isMetric(value: unknown): value is string {
  return typeof value === 'string' && METRIC.test(value);
}

/** Whether a value is an entity's name: 1 to 512 characters, none of them a control character. */
export function isEntity(value: unknown): value is string {
  return isText(value, 512) && !CONTROL_CHARACTER.test(value);
}

/** Text of 1 to `charactersMax` characters (code points), each of which UTF-8 can carry: no lone surrogates. */
function isText(value: unknown, charactersMax: number): value is string {
  if (typeof value !== 'string' || value.length === 0 || !value.isWellFormed()) return false;
  return (
    value.length <= charactersMax || (value.length <= 2 * charactersMax && codePoints(value) <= charactersMax)
  );
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
