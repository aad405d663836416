// Access logs with the request in quotes: common, combined and their kin, HAProxy, and AWS load balancers.
import { IGNORED, type LineParser, malformed, oneEntry, type Parsed } from './reading.ts';
import { pathOfUrl, RequestEntry, requestOf } from './request.ts';
import { parseClf, parseIso } from './time.ts';

/** A quoted field; servers escape a quote in it as `\"` or `\x22`. */
const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"';
const CLF_TIME = '\\d\\d\\/[A-Z][a-z]{2}\\/\\d{4}:\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?: [+-]\\d{4})?';
const ISO_TIME =
  '\\d{4}-\\d\\d-\\d\\d[Tt ]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)?(?: ?(?:Z|z|[+-]\\d\\d:?\\d\\d))?';

/**
 * `[time] … "request" status`; what stands before, between and after is free. Between them there is no further bracket, so that
 * a time which a client smuggled into an earlier field is not the one that counts.
 */
const LOG = new RegExp(`\\[(?:(${CLF_TIME})|(${ISO_TIME}))\\](?:[^\\[]*?) +${QUOTED} +(\\d{3})(?=[ "]|$)`);
export const LOG_FIELDS = ['host', 'user', 'request', 'bytes', 'referer', 'agent'] as const;
/** The time without a month and a year, of the EPA's logs. */
const TIME_ALONE = /\[\d\d:\d\d:\d\d:\d\d\] "/;

/** Common, combined, vhost_combined, S3, API Gateway's CLF, Envoy's default, Traefik, ingress-nginx, Gerrit … */
export function httpLogParser(): LineParser {
  return { parse: (line) => parseLog(line.toString('latin1')) };
}

function parseLog(text: string): Parsed {
  const m = LOG.exec(text);
  if (m === null) {
    if (text.trim() === '') return IGNORED;
    return malformed(
      TIME_ALONE.test(text)
        ? 'its time has no month and no year ([DD:HH:MM:SS])'
        : 'it has no [time] "request" status, as access logs have',
    );
  }
  const at = m[1] === undefined ? parseIso(m[2] ?? '') : parseClf(m[1]);
  const [request, status] = [m[3] ?? '', m[4] ?? ''];
  return oneEntry(
    new RequestEntry(at, requestOf(request), status, (name) =>
      otherField(name, text, m.index, m[0].length, request),
    ),
  );
}

/** The fields before the time and after the status, looked for only where somebody asks. */
function otherField(
  name: string,
  text: string,
  start: number,
  length: number,
  request: string,
): string | undefined {
  if (name === 'request') return request;
  const before = text.slice(0, start).trim().replace(/^"/, '').split(/ +/);
  if (name === 'host') return before[0];
  if (name === 'user') return before.slice(2).join(' ');
  const after = text.slice(start + length);
  if (name === 'bytes') return /^ +(\d+|-)(?: |$)/.exec(after)?.[1];
  const quoted = [...after.matchAll(new RegExp(QUOTED, 'g'))].map(([, value]) => value);
  if (name === 'referer') return quoted[0];
  return name === 'agent' ? quoted[1] : undefined;
}

const HAPROXY =
  /(\S+):\d+ \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d+)\] (\S+) (\S+) [-+/\d]+ (\d{3}|-1) (\S+) .*?"((?:[^"\\]|\\.)*)"?$/;
export const HAPROXY_FIELDS = ['host', 'frontend', 'backend', 'bytes', 'request'] as const;

/** HAProxy's `option httplog`; its time has no zone, and counts as UTC. */
export function haproxyParser(): LineParser {
  return {
    parse(line) {
      const text = line.toString('latin1');
      const m = HAPROXY.exec(text);
      if (m === null) return text.trim() === '' ? IGNORED : malformed('not a line of HAProxy’s httplog');
      const [, host, time = '', frontend, backend, status = '', bytes, request = ''] = m;
      const fields: Readonly<Record<string, string | undefined>> = {
        host,
        frontend,
        backend,
        bytes,
        request,
      };
      return oneEntry(new RequestEntry(parseClf(time), requestOf(request), status, (name) => fields[name]));
    },
  };
}

/** `[type] time elb client target 3 times elb_status target_status 2 sizes "request" "agent" …`; the rest is free. */
const ELB = new RegExp(
  `^(?:([a-z0-9]+) )?(\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z) (\\S+) (\\S+) (\\S+) (?:\\S+ ){3}(\\d{3}|-) (\\d{3}|-) (\\S+) (\\S+) ${QUOTED}(?: ${QUOTED})?`,
);
export const ELB_FIELDS = [
  'type',
  'elb',
  'client',
  'target_address',
  'target_status',
  'received',
  'bytes',
  'agent',
  'url',
] as const;

/**
 * Application Load Balancer and classic ELB. The time is the one the response was given (`time`), the status the load
 * balancer's own, the path that of the request's URL.
 */
export function elbParser(): LineParser {
  return {
    parse(line) {
      const text = line.toString('latin1');
      const m = ELB.exec(text);
      if (m === null) return text.trim() === '' ? IGNORED : malformed('not a line of a load balancer’s log');
      const [
        ,
        type,
        time = '',
        elb,
        client,
        address,
        status = '',
        targetStatus,
        received,
        bytes,
        quoted = '',
        agent,
      ] = m;
      const request = requestOf(quoted);
      const fields: Readonly<Record<string, string | undefined>> = {
        type,
        elb,
        client,
        target_address: address,
        target_status: targetStatus,
        received,
        bytes,
        agent,
        url: request?.target,
      };
      const asked = request && { ...request, target: pathOfUrl(request.target) };
      return oneEntry(new RequestEntry(parseIso(time), asked, status, (name) => fields[name]));
    },
  };
}
