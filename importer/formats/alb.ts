// Application Load Balancer access logs: space-separated, request and agent in quotes, the request's URL absolute.

import {
  type LineReader,
  malformed,
  passes,
  type RequestFilter,
  requestReading,
  skipped,
} from './reading.ts';
import { parseIso } from './time.ts';

/** `type time elb client target 3 times elb_status target_status 2 sizes "METHOD URL HTTP/d.d" "…`; the rest is free. */
const pattern =
  /^[a-z0-9]+ (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z) [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ (\d{3}|-) (?:\d{3}|-) [^ ]+ [^ ]+ "([^ "]+) ([^ "]+)(?: ([^"]*))?" "/;
const originPattern = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/;

/** The time is the one the response was given (the second field), the status the load balancer's own. */
export function albReader(filter: RequestFilter): LineReader {
  return {
    read(bytes) {
      const m = pattern.exec(bytes.toString('latin1'));
      if (!m) return malformed('not a line of an Application Load Balancer log');
      const method = m[3] ?? '';
      if (!/^[A-Z]+$/.test(method) || !/^HTTP\/\d(?:\.\d)?$/.test(m[5] ?? '')) {
        return malformed('the load balancer could not read the request');
      }
      const at = parseIso(m[1] ?? '');
      if (at === undefined) return malformed('the time does not exist');
      if (!passes(filter, method, m[2] ?? '')) return skipped;
      const target = (m[4] ?? '').replace(originPattern, '');
      return requestReading(target.startsWith('/') ? target : `/${target}`, at);
    },
  };
}
