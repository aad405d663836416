// Removes one entity from an archived object, and leaves other entities' data.
import { isUtf8 } from 'node:buffer';
import { fieldsOf, jsonIn } from '../core/json.ts';
import { RAW_PREFIX, rawLine } from '../core/raw-segment.ts';
import {
  decodeRollupMessage,
  encodeMessages,
  InvalidRollupMessage,
  type RollupContent,
} from '../core/rollup-message.ts';
import { decodeRows, encodeRows } from '../core/rows.ts';

/**
 * An archived object without an entity. `rewrite`: the object had other data, which is left; `remove`: it had nothing else;
 * `by-hand`: it names the entity in a format that cannot be rewritten.
 */
export type Forgotten =
  | { readonly kind: 'untouched' }
  | { readonly kind: 'rewrite'; readonly text: string }
  | { readonly kind: 'remove' }
  | { readonly kind: 'by-hand' };

const UNTOUCHED: Forgotten = { kind: 'untouched' };
const REMOVE: Forgotten = { kind: 'remove' };

type Forget = (text: string, entity: string) => Forgotten;

/** By the object's prefix; if one is a prefix of another, the longer comes first. */
const KINDS: Readonly<Record<string, Forget>> = {
  'rejected/': forgetRejected,
  [RAW_PREFIX]: forgetRaw,
  'parked/': forgetMessage,
  'discarded/': forgetMessage,
  'expired/': forgetRows,
  'repairs/': forgetRows,
  // A deletion's record contains no name.
  'deletions/': () => UNTOUCHED,
};

/**
 * An object after the deletion of an entity. Repeatable: the result is then untouched.
 * @param key the object's key, which determines its format
 * @param text its content, as UTF-8
 */
export function withoutEntity(key: string, text: string, entity: string): Forgotten {
  const prefix = Object.keys(KINDS).find((one) => key.startsWith(one));
  const forget = prefix === undefined ? undefined : KINDS[prefix];
  if (forget !== undefined) return forget(text, entity);
  // Whole batches that Lambda's event source mapping gave up, in base64: they hold events of others that are counted nowhere else.
  return names(text, entity) || recordsIn(text).some((data) => names(data, entity))
    ? { kind: 'by-hand' }
    : UNTOUCHED;
}

/** Lines `{ …, data }`, each a record in base64: one event, a batch, or unreadable bytes. */
function forgetRejected(text: string, entity: string): Forgotten {
  return rewriteLines(text, (line) => {
    const fields = fieldsOf(jsonIn(line));
    const data = fields?.['data'];
    if (typeof data !== 'string') return names(line, entity) ? undefined : line;
    const rest = recordWithout(Buffer.from(data, 'base64').toString('utf8'), entity);
    if (rest === 'untouched') return line;
    if (rest === 'nothing') return undefined;
    return JSON.stringify({ ...fields, data: Buffer.from(rest).toString('base64') });
  });
}

/**
 * A segment's raw records: a head, then lines `{ sequenceNumber, arrivalMs, data }`. Every record stays, so that the segment
 * does not look incomplete; records with deleted events are marked.
 */
function forgetRaw(text: string, entity: string): Forgotten {
  return rewriteLines(text, (line) => {
    const { sequenceNumber, arrivalMs, data } = fieldsOf(jsonIn(line)) ?? {};
    if (typeof data !== 'string' || typeof sequenceNumber !== 'string' || typeof arrivalMs !== 'number')
      return line;
    const bytes = Buffer.from(data, 'base64');
    const rest = recordWithout(bytes.toString('utf8'), entity);
    if (rest === 'untouched') return line;
    // A record that is not UTF-8 was rejected whole: as valid text, its other events would count in a rebuild.
    const left = rest === 'nothing' || !isUtf8(bytes) ? '' : rest;
    return rawLine(sequenceNumber, arrivalMs, Buffer.from(left), true);
  });
}

/**
 * A record's text without the entity. Deleted events of a batch become null: rejections and deduplication depend on an
 * event's index.
 */
function recordWithout(record: string, entity: string): string | 'untouched' | 'nothing' {
  const value = jsonIn(record);
  if (value === undefined) return names(record, entity) ? 'nothing' : 'untouched';
  const [version, key, events] = Array.isArray(value) ? value : [];
  if (!Array.isArray(events)) return isOf(value, entity) ? 'nothing' : 'untouched';
  if (!events.some((event) => isOf(event, entity))) return 'untouched';
  const rest = events.map((event) => (isOf(event, entity) ? null : event));
  if (rest.every((event) => event === null)) return 'nothing';
  try {
    return JSON.stringify([version, key, rest]);
  } catch (error) {
    // Nested too deeply to serialize: no well-behaved client sent it.
    if (error instanceof RangeError) return 'nothing';
    throw error;
  }
}

/**
 * `{ history, body }`: a rollup message, or poison. Its deltas keep their event counts, which the ledger has, even without rows:
 * a replay then still settles the segment.
 */
function forgetMessage(text: string, entity: string): Forgotten {
  const parked = fieldsOf(jsonIn(text));
  const body = parked?.['body'];
  const message = typeof body === 'string' ? messageIn(body) : undefined;
  if (message === undefined) return names(text, entity) || names(String(body), entity) ? REMOVE : UNTOUCHED;
  let isChanged = false;
  const deltas = message.deltas.map((delta) => {
    const rows = decodeRows(delta.rows);
    const rest = rows.filter((row) => row.entity !== entity);
    if (rest.length === rows.length) return delta;
    isChanged = true;
    return { ...delta, rows: encodeRows(rest) };
  });
  const [rewritten] = encodeMessages(deltas, message.earliestHourMs, Number.POSITIVE_INFINITY);
  if (!isChanged || rewritten === undefined) return UNTOUCHED;
  return { kind: 'rewrite', text: JSON.stringify({ ...parked, body: rewritten.body }) };
}

function messageIn(body: string): RollupContent | undefined {
  try {
    return decodeRollupMessage(body);
  } catch (error) {
    if (error instanceof InvalidRollupMessage) return undefined;
    throw error;
  }
}

/** Lines `{ …, entity, … }`: expired rows, or the record of a repair. */
function forgetRows(text: string, entity: string): Forgotten {
  return rewriteLines(text, (line) => {
    const fields = fieldsOf(jsonIn(line));
    const isOwn = fields === undefined ? names(line, entity) : isOf(fields, entity);
    return isOwn ? undefined : line;
  });
}

/** An object of lines. @param rest what is left of a line; undefined: nothing */
function rewriteLines(text: string, rest: (line: string) => string | undefined): Forgotten {
  const lines = text.split('\n').filter((line) => line !== '');
  const left = lines.map(rest);
  if (left.every((line, at) => line === lines[at])) return UNTOUCHED;
  const kept = left.filter((line) => line !== undefined);
  return kept.length === 0 ? REMOVE : { kind: 'rewrite', text: `${kept.join('\n')}\n` };
}

/** Whether a value belongs to the entity: it says so, or it is not an event and contains the name. */
function isOf(value: unknown, entity: string): boolean {
  const own = fieldsOf(value)?.['entity'];
  return typeof own === 'string' ? own === entity : hasString(value, entity);
}

/** Whether text contains the entity as a complete JSON string, or, if it is not JSON, anywhere. */
function names(text: string, entity: string): boolean {
  const value = jsonIn(text);
  if (value === undefined) return text.includes(entity) || text.includes(JSON.stringify(entity).slice(1, -1));
  return hasString(value, entity);
}

function hasString(value: unknown, wanted: string): boolean {
  // A list instead of recursion: a client may nest an archived record arbitrarily deep.
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (next === wanted) return true;
    if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) open.push(inner);
  }
  return false;
}

/** The base64 contents of Lambda's documents on a failed batch: every long string that is base64. */
function recordsIn(text: string): string[] {
  return [...text.matchAll(/"([A-Za-z0-9+/\\]{16,}={0,2})"/g)].map(([, data = '']) =>
    Buffer.from(data.replaceAll('\\/', '/'), 'base64').toString('utf8'),
  );
}
