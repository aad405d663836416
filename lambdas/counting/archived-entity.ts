// Taking one entity out of an archived object, and leaving what it says of others.
import type { PartName } from './identifiers.ts';
import { partIn } from './letter-name.ts';
import { RAW_PREFIX, rawLine } from './raw-segment.ts';

/**
 * What an object of the archive is without an entity. `rewrite`: it held others too, and this is what is left; `remove`: it held nothing
 * else; `by-hand`: it names the entity in a form that is not ours to change.
 */
export type Forgotten =
  | { readonly kind: 'untouched' }
  | { readonly kind: 'rewrite'; readonly text: string }
  | {
      readonly kind: 'remove' /** The part that is given up with it. */;
      readonly part?: PartName | undefined;
    }
  | { readonly kind: 'by-hand' };

const UNTOUCHED: Forgotten = { kind: 'untouched' };
const REMOVE: Forgotten = { kind: 'remove' };

type Forget = (text: string, entity: string) => Forgotten;
type Fields = Record<string, unknown>;

/** By the object's prefix, longest first where one begins with another. */
const KINDS: Readonly<Record<string, Forget>> = {
  'rejected/': forgetRejected,
  [RAW_PREFIX]: forgetRaw,
  'parked/': forgetLetter,
  'discarded/': forgetLetter,
  'expired/': forgetExpired,
  'repairs/': forgetRepair,
  // What an audit sets aside is gone after a day; an audit under way that named the entity has to begin again.
  'audits/': forgetAudit,
  // A record of a deletion names nobody.
  'deletions/': () => UNTOUCHED,
};

/**
 * What an object should be when an entity is deleted. Repeatable: the result is untouched.
 * @param key the object's key, which says what kind of object it is
 * @param text what is in it, as UTF-8
 */
export function withoutEntity(key: string, text: string, entity: string): Forgotten {
  const prefix = Object.keys(KINDS).find((one) => key.startsWith(one));
  const forget = prefix === undefined ? undefined : KINDS[prefix];
  if (forget !== undefined) return forget(text, entity);
  // Whole batches that the stream's mapping gave up, in base64: they hold events of others that are counted nowhere else.
  return names(text, entity) || recordsIn(text).some((data) => names(data, entity))
    ? { kind: 'by-hand' }
    : UNTOUCHED;
}

/** Lines of rows, or a state that may hold one item's name as text within text. One that only looks alike goes, too. */
function forgetAudit(text: string, entity: string): Forgotten {
  const escaped = (inner: string) => JSON.stringify(inner).slice(1, -1);
  const forms = [entity, escaped(entity), escaped(escaped(entity))];
  return forms.some((form) => text.includes(form)) ? REMOVE : UNTOUCHED;
}

/** Lines `{ …, data }`, each a record in base64: one event, a batch, or what could not be read. */
function forgetRejected(text: string, entity: string): Forgotten {
  const lines = text.split('\n').filter((line) => line !== '');
  const kept = lines.flatMap((line) => {
    const fields = objectIn(line);
    const data = fields?.['data'];
    if (typeof data !== 'string') return names(line, entity) ? [] : [line];
    const rest = recordWithout(Buffer.from(data, 'base64').toString('utf8'), entity);
    if (rest === 'untouched') return [line];
    return rest === 'nothing'
      ? []
      : [JSON.stringify({ ...fields, data: Buffer.from(rest).toString('base64') })];
  });
  if (kept.length === lines.length && kept.every((line, at) => line === lines[at])) return UNTOUCHED;
  return kept.length === 0 ? REMOVE : { kind: 'rewrite', text: `${kept.join('\n')}\n` };
}

/**
 * A segment's raw records: a head, then lines `{ sequenceNumber, arrivalMs, data }`. Every record stays, so that the segment can still be told
 * from one that is missing; what was taken out of one is marked.
 */
function forgetRaw(text: string, entity: string): Forgotten {
  const lines = text.split('\n');
  const kept = lines.map((line) => {
    const { sequenceNumber, arrivalMs, data } = objectIn(line) ?? {};
    if (typeof data !== 'string' || typeof sequenceNumber !== 'string' || typeof arrivalMs !== 'number')
      return line;
    const rest = recordWithout(Buffer.from(data, 'base64').toString('utf8'), entity);
    if (rest === 'untouched') return line;
    return rawLine(
      sequenceNumber,
      arrivalMs,
      rest === 'nothing' ? new Uint8Array() : Buffer.from(rest),
      true,
    );
  });
  return kept.every((line, at) => line === lines[at])
    ? UNTOUCHED
    : { kind: 'rewrite', text: kept.join('\n') };
}

/**
 * A record's text without the entity. Events of a batch leave a null behind: reasons for rejections, and twins, go by an
 * event's place.
 */
function recordWithout(record: string, entity: string): string | 'untouched' | 'nothing' {
  const value = parse(record);
  if (value === undefined) return names(record, entity) ? 'nothing' : 'untouched';
  const [version, key, events] = Array.isArray(value) ? value : [];
  if (!Array.isArray(events)) return isOf(value, entity) ? 'nothing' : 'untouched';
  if (!events.some((event) => isOf(event, entity))) return 'untouched';
  const rest = events.map((event) => (isOf(event, entity) ? null : event));
  if (rest.every((event) => event === null)) return 'nothing';
  try {
    return JSON.stringify([version, key, rest]);
  } catch (error) {
    // Nested more deeply than can be written: no client of good will sent it.
    if (error instanceof RangeError) return 'nothing';
    throw error;
  }
}

/** `{ history, body }`: a rollup message whose rows are arrays with the entity third, or poison. */
function forgetLetter(text: string, entity: string): Forgotten {
  const letter = objectIn(text);
  const body = letter?.['body'];
  const message = typeof body === 'string' ? objectIn(body) : undefined;
  const rows = message?.['rows'];
  if (!Array.isArray(rows)) return names(text, entity) || names(String(body), entity) ? REMOVE : UNTOUCHED;
  const rest = rows.filter((row) => !(Array.isArray(row) && row[2] === entity));
  if (rest.length === rows.length) return UNTOUCHED;
  if (rest.length === 0) return { kind: 'remove', part: partIn(String(body)) };
  return {
    kind: 'rewrite',
    text: JSON.stringify({ ...letter, body: ascii(JSON.stringify({ ...message, rows: rest })) }),
  };
}

/** `{ …, rows: [{ entity, … }] }` */
function forgetExpired(text: string, entity: string): Forgotten {
  const content = objectIn(text);
  const rows = content?.['rows'];
  if (!Array.isArray(rows)) return names(text, entity) ? { kind: 'by-hand' } : UNTOUCHED;
  const rest = rows.filter((row) => !isOf(row, entity));
  if (rest.length === rows.length) return UNTOUCHED;
  return rest.length === 0 ? REMOVE : { kind: 'rewrite', text: JSON.stringify({ ...content, rows: rest }) };
}

/** A repair is one counter item's, so one entity's. */
function forgetRepair(text: string, entity: string): Forgotten {
  return names(text, entity) ? REMOVE : UNTOUCHED;
}

/** Whether something is of the entity: it says so, or it is no event, and names it somewhere. */
function isOf(value: unknown, entity: string): boolean {
  const own = typeof value === 'object' && value !== null ? (value as Fields)['entity'] : undefined;
  return typeof own === 'string' ? own === entity : hasString(value, entity);
}

/** Whether text has the entity as a JSON string of its own, or where it is no JSON, anywhere. */
function names(text: string, entity: string): boolean {
  const value = parse(text);
  if (value === undefined) return text.includes(entity) || text.includes(JSON.stringify(entity).slice(1, -1));
  return hasString(value, entity);
}

function hasString(value: unknown, wanted: string): boolean {
  // A list instead of recursion: an archived record may be nested as deeply as its sender liked.
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (next === wanted) return true;
    if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) open.push(inner);
  }
  return false;
}

/** What Lambda's documents on a failed batch hold as base64: every long string that is. */
function recordsIn(text: string): string[] {
  return [...text.matchAll(/"([A-Za-z0-9+/\\]{16,}={0,2})"/g)].map(([, data = '']) =>
    Buffer.from(data.replaceAll('\\/', '/'), 'base64').toString('utf8'),
  );
}

function objectIn(text: string): Fields | undefined {
  const value = parse(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Escapes what is not ASCII, as rollup messages are. */
function ascii(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
