// The result of reading a line, in any format.
import { isUtf8 } from 'node:buffer';

/**
 * The value of a field: text, `undefined` if the line does not have it, `null` if its bytes are not UTF-8, the only encoding the
 * service accepts.
 */
export type FieldValue = string | null | undefined;

export interface Entry {
  /** Epoch milliseconds, if the format has a time; undefined if that time does not exist. */
  readonly at: number | undefined;
  field(name: string): FieldValue;
}

/** A line that reports something to count. */
export interface EventReading {
  readonly kind: 'event';
  readonly metric: string;
  readonly entity: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** `skipped`: valid, but excluded by the filter. `malformed`: not in the format. `ignored`: a header, comment or blank line. */
export type Outcome =
  | EventReading
  | { readonly kind: 'skipped' | 'ignored' }
  | { readonly kind: 'malformed' | 'rejected'; readonly reason: string };

/** A format's result for a line, before selection. `more`: the record continues on the next line. */
export type Parsed =
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'more' }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Reads the lines of one file, in order. */
export interface LineParser {
  /** @param line without its line end, or several lines joined by `\n` after `more` */
  parse(line: Buffer): Parsed;
  /** Headers so far, so that another parser can continue in the middle of the file. */
  readonly header?: readonly string[] | undefined;
}

export const IGNORED = { kind: 'ignored' } as const;
export const SKIPPED = { kind: 'skipped' } as const;
export const MORE = { kind: 'more' } as const;

export function malformed(reason: string): { readonly kind: 'malformed'; readonly reason: string } {
  return { kind: 'malformed', reason };
}

/**
 * A parser of Latin-1 text, one character a byte, so that no byte is changed; blank lines are ignored.
 * @param header the headers so far, if there are any
 */
export function textParser(
  parse: (text: string) => Parsed,
  header: () => readonly string[] | undefined = () => undefined,
): LineParser {
  return {
    get header() {
      return header();
    },
    parse(line) {
      const text = line.toString('latin1');
      return text.trim() === '' ? IGNORED : parse(text);
    },
  };
}

/** A list of names, written as one text. */
export function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/** The names for which others stand, by those others. */
export function byAlias<Name extends string>(aliases: Readonly<Record<Name, string>>) {
  const names = Object.keys(aliases) as Name[];
  return new Map(names.flatMap((name) => words(aliases[name]).map((alias) => [alias, name])));
}

/** The text whose UTF-8 bytes are the given Latin-1 characters; null if they are not UTF-8. */
export function utf8FromLatin1(text: string): string | null {
  for (let i = 0; i < text.length; i += 1) {
    if (text.charCodeAt(i) <= 0x7f) continue;
    const bytes = Buffer.from(text, 'latin1');
    return isUtf8(bytes) ? bytes.toString('utf8') : null;
  }
  return text;
}

/** The text of UTF-8 bytes; undefined if they are not UTF-8. */
export function utf8Of(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** Invalid options, or a file that cannot be read with them; nothing was sent. */
export class FormatError extends Error {
  override readonly name: string = 'FormatError';
}

/** No format matches any of the lines: more of them may help. */
export class UnknownFormat extends FormatError {
  override readonly name = 'UnknownFormat';
}
