// Common and combined access logs of Apache, nginx and their kin.

import {
  type LineReader,
  malformed,
  passes,
  type RequestFilter,
  requestReading,
  skipped,
} from './reading.ts';
import { utcMs, zoneMs } from './time.ts';

/**
 * `host ident user [DD/Mon/YYYY:HH:MM:SS ±ZZZZ] "METHOD target[ HTTP/d[.d]]" status bytes|-`, then the end or a
 * space and a quote. What stands in and after referer and agent is not examined: servers cut long ones off, and
 * nothing that is counted depends on them.
 */
const pattern =
  /^[^ ]+ [^ ]+ [^ ]+ \[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] "([A-Z]+) ([^ "]+)(?: HTTP\/\d(?:\.\d)?)?" (\d{3}) (?:\d+|-)(?: "|$)/;

const months: Readonly<Record<string, number>> = {
  Jan: 1,
  Feb: 2,
  Mar: 3,
  Apr: 4,
  May: 5,
  Jun: 6,
  Jul: 7,
  Aug: 8,
  Sep: 9,
  Oct: 10,
  Nov: 11,
  Dec: 12,
};

/** @param unwrap take one double quote off each end of a line first, as some exports wrap every line */
export function httpLogReader(filter: RequestFilter, unwrap: boolean): LineReader {
  return {
    read(bytes) {
      const text = bytes.toString('latin1');
      const m = pattern.exec(unwrap ? text.replace(/^"/, '').replace(/"$/, '') : text);
      if (!m) return malformed('not a line of the common or combined log format');
      const at = logTime(m);
      if (at === undefined) return malformed('the time does not exist');
      if (!passes(filter, m[10] ?? '', m[12] ?? '')) return skipped;
      return requestReading(m[11] ?? '', at);
    },
  };
}

function logTime(m: RegExpExecArray): number | undefined {
  const month = months[m[2] ?? ''] ?? 0;
  const local = utcMs(Number(m[3]), month, Number(m[1]), Number(m[4]), Number(m[5]), Number(m[6]));
  const zone = zoneMs(m[7] ?? '+', Number(m[8]), Number(m[9]));
  return local === undefined || zone === undefined ? undefined : local - zone;
}
