// What reading one line of an input file gives, whatever its format.

import { isUtf8 } from 'node:buffer';

/** A line that reports something that happened. */
export interface EventReading {
  readonly kind: 'event';
  readonly entity: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * `skipped`: a valid line the filter leaves out. `malformed`: not a line of the format. `ignored`: a header or a
 * comment, which is not meant to be counted. `more`: a record that goes on in the next line.
 */
export type Reading = WholeReading | { readonly kind: 'more' };

/** What a whole record means. */
export type WholeReading =
  | EventReading
  | { readonly kind: 'skipped' }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Reads the lines of one file, in order; it may remember headers. */
export interface LineReader {
  /** @param bytes the line without its line end, or several joined by `\n` after `more` */
  read(bytes: Buffer): Reading;
}

export const skipped: WholeReading = { kind: 'skipped' };
export const ignored: WholeReading = { kind: 'ignored' };
export const more: Reading = { kind: 'more' };

export function malformed(reason: string): WholeReading {
  return { kind: 'malformed', reason };
}

/** Which requests of a log count. `undefined` means any. */
export interface RequestFilter {
  readonly methods: readonly string[] | undefined;
  readonly statuses: readonly string[] | undefined;
}

export function passes(filter: RequestFilter, method: string, status: string): boolean {
  return (filter.methods?.includes(method) ?? true) && (filter.statuses?.includes(status) ?? true);
}

const notUtf8: WholeReading = malformed('the entity is not UTF-8, the only encoding the service takes');

/**
 * The event of a request. Log lines are read as Latin-1, one character a byte, so that no byte is changed on the way;
 * only the entity must be UTF-8, what other fields hold does not matter.
 */
export function requestReading(latin1Target: string, at: number | undefined): WholeReading {
  if (at === undefined) return malformed('the time does not exist');
  const query = latin1Target.indexOf('?');
  const entity = utf8FromLatin1(query === -1 ? latin1Target : latin1Target.slice(0, query));
  return entity === undefined ? notUtf8 : { kind: 'event', entity, at };
}

/** The text whose UTF-8 bytes are the given Latin-1 characters; undefined if they are not UTF-8. */
export function utf8FromLatin1(text: string): string | undefined {
  let ascii = true;
  for (let i = 0; i < text.length; i += 1) {
    if (text.charCodeAt(i) > 0x7f) {
      ascii = false;
      break;
    }
  }
  if (ascii) return text;
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** The text of UTF-8 bytes; undefined if they are not UTF-8. */
export function utf8Of(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}
