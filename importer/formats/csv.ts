// Comma-separated values; quoting is left to csv-parse, lines without a quote need none of it.

import { CsvError, parse } from 'csv-parse/sync';
import { ignored, type LineReader, malformed, more, type Reading, utf8Of } from './reading.ts';
import { parseTime, type TimeUnit } from './time.ts';

export interface CsvSettings {
  /** A column's name from the header line, or its number counted from 1. */
  readonly entityColumn: string | number;
  readonly timeColumn: string | number;
  readonly timeUnit: TimeUnit;
  readonly delimiter: string;
  /** The first line names the columns. */
  readonly header: boolean;
  /** What an empty value is counted as; without it such a line is rejected. */
  readonly emptyEntity: string | undefined;
  /** Lines that begin with it are comments. */
  readonly comment: string | undefined;
}

type Row = { readonly values: readonly string[] } | { readonly reading: Reading };

const byteOrderMark = '\ufeff';

/** A reader of one file's records. A header without the named columns makes every line malformed. */
export function csvReader(settings: CsvSettings): LineReader {
  const { timeUnit, delimiter, comment } = settings;
  let first = true;
  let entityIndex = typeof settings.entityColumn === 'number' ? settings.entityColumn - 1 : -1;
  let timeIndex = typeof settings.timeColumn === 'number' ? settings.timeColumn - 1 : -1;

  function takeHeader(names: readonly string[]): void {
    if (typeof settings.entityColumn === 'string') entityIndex = names.indexOf(settings.entityColumn);
    if (typeof settings.timeColumn === 'string') timeIndex = names.indexOf(settings.timeColumn);
  }

  return {
    read(bytes) {
      const raw = utf8Of(bytes);
      if (raw === undefined) return malformed('it is not UTF-8');
      if (comment !== undefined && raw.startsWith(comment)) return ignored;
      const row = rowOf(first ? raw.replace(byteOrderMark, '') : raw, delimiter);
      if ('reading' in row && row.reading === more) return more;
      const isHeader = first && settings.header;
      first = false;
      if ('reading' in row) return row.reading;
      if (isHeader) {
        takeHeader(row.values);
        return ignored;
      }
      if (entityIndex === -1) return malformed(`the header names no column ${settings.entityColumn}`);
      if (timeIndex === -1) return malformed(`the header names no column ${settings.timeColumn}`);
      const value = row.values[entityIndex];
      const entity = value === '' ? (settings.emptyEntity ?? value) : value;
      const time = row.values[timeIndex];
      if (entity === undefined || time === undefined) {
        return malformed(`it has fewer than ${Math.max(entityIndex, timeIndex) + 1} columns`);
      }
      const at = parseTime(time.trim(), timeUnit);
      return at === undefined
        ? malformed(`column ${settings.timeColumn} holds no time (unit ${timeUnit})`)
        : { kind: 'event', entity, at };
    },
  };
}

function rowOf(text: string, delimiter: string): Row {
  if (!text.includes('"')) return { values: text.split(delimiter) };
  try {
    const [values] = parse(text, { delimiter, relax_column_count: true });
    return values ? { values } : { reading: malformed('it is empty') };
  } catch (error) {
    if (error instanceof CsvError && error.code === 'CSV_QUOTE_NOT_CLOSED') return { reading: more };
    return { reading: malformed('its quotes are not those of CSV') };
  }
}
