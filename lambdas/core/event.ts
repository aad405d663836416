// Events: decoding them from a stream record, their identity for deduplication, and the reasons for rejection.
import { isUtf8 } from 'node:buffer';
import { parseInstant } from './time.ts';

/** A well-formed event, with defaults applied. */
export interface CountableEvent {
  /** The client's own id, 1 to 128 characters. */
  readonly id: string | undefined;
  readonly metric: string;
  readonly entity: string;
  /** When it happened, epoch milliseconds. */
  readonly atMs: number;
  /** How much it counts: a signed integer. */
  readonly n: number;
  /** Its index in its batch, from 0; undefined if the event is a record of its own. */
  readonly place: number | undefined;
}

/** Why an event can never be counted. The codes are public: metrics and the archive carry them. */
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
  | 'invalid-batch'
  | 'batch-too-large'
  | 'too-old'
  | 'too-new';

/** One event of a record, or the reason for its rejection. */
export type DecodedEvent = CountableEvent | { readonly rejected: RejectionReason };

export interface DecodedRecord {
  /** The batch's key; undefined when the record is a single event. */
  readonly batch: string | undefined;
  readonly events: readonly DecodedEvent[];
}

/** The version of the batch format: the first element of a record that is a batch. */
const BATCH_VERSION = 1;
/** Maximum number of events in a batch, even one written directly to the stream; a larger one is rejected whole. */
export const BATCH_EVENTS_MAX = 10_000;
/** Maximum length of a batch's key. */
const BATCH_KEY_CHARACTERS_MAX = 128;
/** Maximum magnitude of an event's amount. */
export const AMOUNT_MAX = 1_000_000_000;
/** The least `at` as a number: smaller ones are nearly always seconds. Write earlier times as ISO 8601. */
export const AT_NUMBER_MIN_MS = Date.UTC(2000);
/** The latest `at`: larger numbers are nearly always microseconds. */
export const AT_MAX_MS = Date.UTC(2099, 11, 31, 23, 59, 59, 999);

const METRIC = /^[A-Za-z0-9_.-]{1,64}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses.
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;
const FIELDS: ReadonlySet<string> = new Set(['id', 'metric', 'entity', 'at', 'n']);

/**
 * Decodes one record of the stream.
 * @param data the record's bytes: UTF-8 JSON of one event, or of a batch, `[1, key, [event, …]]`
 * @param arrivalMs when the stream accepted the record; the default time of an event without `at`
 * @returns one entry for each event; an unreadable record is one rejected entry. Never throws.
 */
export function decodeRecord(data: Uint8Array, arrivalMs: number): DecodedRecord {
  if (!isUtf8(data)) return rejectedRecord('not-utf8');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));
  } catch {
    return rejectedRecord('not-json');
  }
  if (!Array.isArray(value)) return { batch: undefined, events: [decodeEvent(value, arrivalMs)] };
  const [version, batch, events, ...more] = value as unknown[];
  if (version !== BATCH_VERSION || !isBatchKey(batch) || !Array.isArray(events) || more.length > 0)
    return rejectedRecord('invalid-batch');
  if (events.length === 0) return rejectedRecord('invalid-batch');
  if (events.length > BATCH_EVENTS_MAX) return rejectedRecord('batch-too-large');
  return { batch, events: events.map((event, place) => decodeEvent(event, arrivalMs, place)) };
}

function rejectedRecord(rejected: RejectionReason): DecodedRecord {
  return { batch: undefined, events: [{ rejected }] };
}

/**
 * The identity of an event, of which one copy counts: metric, entity and id; without an id, the batch's key and the index in
 * it. Neither metric nor entity can contain a line break, so different identities are different texts.
 * @returns undefined for an event with neither: its producer's retries are counted again
 */
export function identityOf(
  { id, metric, entity, place }: CountableEvent,
  batch: string | undefined,
): string | undefined {
  if (id !== undefined) return `${metric}\n${entity}\n${id}`;
  return batch === undefined ? undefined : `${metric}\r${entity}\r${place}\r${batch}`;
}

/**
 * Decodes one event from parsed JSON.
 * @param arrivalMs the default time of an event without `at`
 * @param place its index in its batch, if any
 */
export function decodeEvent(value: unknown, arrivalMs: number, place?: number): DecodedEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { rejected: 'not-an-event' };
  for (const field in value) if (!FIELDS.has(field)) return { rejected: 'unknown-field' };
  const { id, metric, entity, at, n = 1 } = value as Record<string, unknown>;
  if (id !== undefined && !isText(id, 128)) return { rejected: 'invalid-id' };
  if (!isMetric(metric)) return { rejected: 'invalid-metric' };
  if (!isEntity(entity)) return { rejected: 'invalid-entity' };
  if (typeof n !== 'number' || !Number.isInteger(n) || Math.abs(n) > AMOUNT_MAX)
    return { rejected: 'invalid-n' };
  const atMs = at === undefined ? arrivalMs : parseAt(at);
  if (atMs === undefined) return { rejected: 'invalid-at' };
  return { id, metric, entity, atMs, n: n === 0 ? 0 : n, place };
}

function parseAt(at: unknown): number | undefined {
  const atMs = parseInstant(at);
  if (atMs === undefined || atMs > AT_MAX_MS) return undefined;
  return typeof at === 'number' && atMs < AT_NUMBER_MIN_MS ? undefined : atMs;
}

/** Whether a value is a batch's key: 1 to 128 characters without control characters. */
function isBatchKey(value: unknown): value is string {
  return isText(value, BATCH_KEY_CHARACTERS_MAX) && !CONTROL_CHARACTER.test(value);
}

/** Whether a value is a metric's name: 1 to 64 of `A-Z a-z 0-9 _ . -`. */
export function isMetric(value: unknown): value is string {
  return typeof value === 'string' && METRIC.test(value);
}

/** Whether a value is an entity's name: 1 to 512 characters without control characters. */
export function isEntity(value: unknown): value is string {
  return isText(value, 512) && !CONTROL_CHARACTER.test(value);
}

/** Text of 1 to `charactersMax` code points that UTF-8 can encode: no lone surrogates. */
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
