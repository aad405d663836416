// Columns: comma-separated values, by csv-parse where there are quotes, and columns between blanks or tabs.
import { CsvError, parse } from 'csv-parse/sync';
import {
  type Entry,
  type FieldValue,
  IGNORED,
  type LineParser,
  MORE,
  malformed,
  oneEntry,
  type Parsed,
  utf8FromLatin1,
  utf8Of,
} from './reading.ts';

export interface CsvSettings {
  readonly delimiter: string;
  /** The first line names the columns. */
  readonly header: boolean;
  /** Lines that begin with it are comments. */
  readonly comment: string | undefined;
}

/** @param names the header, where a parser goes on in the middle of a file */
export function csvParser(
  { delimiter, header, comment }: CsvSettings,
  names?: readonly string[],
): LineParser {
  let columns = names;
  return {
    get header() {
      return columns;
    },
    parse(line) {
      const text = utf8Of(line);
      if (text === undefined) return malformed('it is not UTF-8');
      if (text.trim() === '' || (comment !== undefined && text.startsWith(comment))) return IGNORED;
      const row = rowOf(text, delimiter);
      if (!Array.isArray(row)) return row;
      if (header && columns === undefined) {
        columns = row;
        return IGNORED;
      }
      return oneEntry(new ColumnsEntry(row, columns));
    },
  };
}

function rowOf(text: string, delimiter: string): string[] | Parsed {
  if (!text.includes('"')) return text.split(delimiter);
  try {
    const [values] = parse(text, { delimiter, relax_column_count: true });
    return values ?? IGNORED;
  } catch (error) {
    if (error instanceof CsvError && error.code === 'CSV_QUOTE_NOT_CLOSED') return MORE;
    return malformed('its quotes are not those of CSV');
  }
}

export interface BlanksSettings {
  /** Single tabs between columns, so that one may be empty; otherwise runs of blanks and tabs, as awk sees them. */
  readonly tabs: boolean;
  readonly header: boolean;
  readonly comment: string | undefined;
}

/** @param names the header, where a parser goes on in the middle of a file */
export function blanksParser(
  { tabs, header, comment }: BlanksSettings,
  names?: readonly string[],
): LineParser {
  const start = comment === undefined ? undefined : Buffer.from(comment).toString('latin1');
  let columns = names;
  return {
    get header() {
      return columns;
    },
    parse(line) {
      const text = line.toString('latin1');
      if (text.trim() === '' || (start !== undefined && text.startsWith(start))) return IGNORED;
      const values = tabs ? text.split('\t') : text.replace(/^[ \t]+/, '').split(/[ \t]+/);
      if (header && columns === undefined) {
        columns = values;
        return IGNORED;
      }
      return oneEntry(new ColumnsEntry(values, columns, utf8FromLatin1));
    },
  };
}

/** A row's fields by column number from 1, or by the header's names. */
class ColumnsEntry implements Entry {
  /** Which column is the time is for the options to say. */
  readonly at = undefined;
  readonly #values: readonly string[];
  readonly #names: readonly string[] | undefined;
  readonly #decode: (text: string) => FieldValue;

  constructor(
    values: readonly string[],
    names?: readonly string[],
    decode: (text: string) => FieldValue = String,
  ) {
    this.#values = values;
    this.#names = names;
    this.#decode = decode;
  }

  field(name: string): FieldValue {
    const named = this.#names?.indexOf(name) ?? -1;
    const value = this.#values[named === -1 && /^[1-9]\d*$/.test(name) ? Number(name) - 1 : named];
    return value === undefined ? undefined : this.#decode(value);
  }
}
