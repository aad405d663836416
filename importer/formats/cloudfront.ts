// CloudFront standard logs: tab-separated, with their columns named by a `#Fields` line.

import {
  ignored,
  type LineReader,
  malformed,
  passes,
  type RequestFilter,
  requestReading,
  skipped,
} from './reading.ts';
import { parseIso } from './time.ts';

interface Columns {
  readonly date: number;
  readonly time: number;
  readonly method: number;
  readonly stem: number;
  readonly status: number;
}

/** Stems stay as CloudFront wrote them, URL-encoded; its times are UTC. */
export function cloudfrontReader(filter: RequestFilter): LineReader {
  let columns: Columns | undefined;
  return {
    read(bytes) {
      const text = bytes.toString('latin1');
      if (text.startsWith('#')) {
        // A concatenation of logs names its columns again, perhaps others.
        if (text.startsWith('#Fields:')) columns = columnsOf(text.slice('#Fields:'.length));
        return ignored;
      }
      if (!columns) return malformed('no #Fields line with the needed columns stands before it');
      const values = text.split('\t');
      const method = values[columns.method];
      const stem = values[columns.stem];
      const status = values[columns.status];
      if (!method || !stem || !status) return malformed('it has fewer columns than #Fields names');
      if (!/^[A-Z]+$/.test(method) || !/^\d{3}$/.test(status) || /[ "]/.test(stem)) {
        return malformed('method, stem or status is not what CloudFront writes');
      }
      const at = parseIso(`${values[columns.date]}T${values[columns.time]}`);
      if (at === undefined) return malformed('the time does not exist');
      return passes(filter, method, status) ? requestReading(stem, at) : skipped;
    },
  };
}

function columnsOf(fields: string): Columns | undefined {
  const names = fields.trim().split(/\s+/);
  const columns = {
    date: names.indexOf('date'),
    time: names.indexOf('time'),
    method: names.indexOf('cs-method'),
    stem: names.indexOf('cs-uri-stem'),
    status: names.indexOf('sc-status'),
  };
  return Object.values(columns).includes(-1) ? undefined : columns;
}
