// Columns: comma-separated values, parsed by csv-parse if there are quotes, and columns separated by blanks or tabs.
import { CsvError, parse } from 'csv-parse/sync';
import {
  IGNORED,
  type LineParser,
  MORE,
  malformed,
  type Parsed,
  textParser,
  utf8FromLatin1,
} from './reading.ts';
import { textEntry } from './request.ts';

export interface ColumnsSettings {
  /** The separator of csv; a comma by default. */
  readonly delimiter?: string | undefined;
  /** Single tabs separate columns, so that one may be empty; otherwise runs of blanks and tabs do, as in awk. */
  readonly tabs?: boolean | undefined;
  /** The first line names the columns. */
  readonly header?: boolean | undefined;
  /** The prefix of comment lines. */
  readonly comment?: string | undefined;
}

/** @param names the header, if the parser starts in the middle of a file */
export function csvParser(settings: ColumnsSettings, names?: readonly string[]): LineParser {
  const separator = latin1Of(settings.delimiter ?? ',');
  return columnsParser((text) => csvRow(text, separator), settings, names);
}

/** @param names the header, if the parser starts in the middle of a file */
export function blanksParser(settings: ColumnsSettings, names?: readonly string[]): LineParser {
  const row = (text: string) =>
    settings.tabs ? text.split('\t') : text.replace(/^[ \t]+/, '').split(/[ \t]+/);
  return columnsParser(row, settings, names);
}

function columnsParser(
  rowOf: (text: string) => readonly string[] | Parsed,
  { header, comment }: ColumnsSettings,
  names?: readonly string[],
): LineParser {
  const start = comment === undefined ? undefined : latin1Of(comment);
  let columns = names;
  const parse = (text: string) => {
    if (start !== undefined && text.startsWith(start)) return IGNORED;
    const row = rowOf(text);
    if ('kind' in row) return row;
    if (header && columns === undefined) {
      columns = row.map((name) => utf8FromLatin1(name) ?? name);
      return IGNORED;
    }
    // The options say which column is the time.
    return textEntry(undefined, (name) => columnOf(name, row, columns));
  };
  return textParser(parse, () => columns);
}

/** A column by its name in the header, or its number from 1. */
function columnOf(name: string, row: readonly string[], columns: readonly string[] | undefined) {
  const named = columns?.indexOf(name) ?? -1;
  return row[named === -1 && /^[1-9]\d*$/.test(name) ? Number(name) - 1 : named];
}

function csvRow(text: string, delimiter: string): readonly string[] | Parsed {
  if (!text.includes('"')) return text.split(delimiter);
  try {
    const [values] = parse(text, { delimiter, relax_column_count: true });
    return values ?? IGNORED;
  } catch (error) {
    if (error instanceof CsvError && error.code === 'CSV_QUOTE_NOT_CLOSED') return MORE;
    return malformed('its quotes are not valid CSV');
  }
}

function latin1Of(text: string): string {
  return Buffer.from(text).toString('latin1');
}
