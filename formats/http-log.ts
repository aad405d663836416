// Access logs with a quoted request: common, combined and similar formats, HAProxy, and AWS load balancers.
import { IGNORED, type LineParser, malformed, oneEntry, type Parsed } from './reading.ts';
import { pathOfUrl, RequestEntry, requestOf } from './request.ts';
import { parseClf, parseIso } from './time.ts';

/** A quoted field; servers escape a quote in it as `\"` or `\x22`. */
const ESCAPED = '(?:[^"\\\\]|\\\\.)*';
const QUOTED = `"(${ESCAPED})"`;
const CLF_TIME = '\\d\\d\\/[A-Z][a-z]{2}\\/\\d{4}:\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?: [+-]\\d{4})?';
const ISO_TIME =
  '\\d{4}-\\d\\d-\\d\\d[Tt ]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)?(?: ?(?:Z|z|[+-]\\d\\d:?\\d\\d))?';

/**
 * `[time] … "request" status`, with anything before, between and after. There is no other bracket in between, so a time that a
 * client smuggled into an earlier field does not match, and no half of a quoted field. The text in between does not end in a
 * blank: a run of blanks is tried once, not from each of its blanks. If there was no response, Envoy writes status 0, and S3
 * `"-" -`.
 */
const LOG = new RegExp(
  `\\[(?:(${CLF_TIME})|(${ISO_TIME}))\\](?:(?:[^\\["]|"${ESCAPED}")*?(?:[^\\[" ]|"${ESCAPED}"))?? +${QUOTED} +(\\d{3}|0|(?<="-" +)-)(?=[ "]|$)`,
);
export const LOG_FIELDS = ['host', 'user', 'request', 'bytes', 'referer', 'agent'] as const;
/** The time of the EPA's logs, without month and year. */
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
      otherField(name, text.slice(0, m.index), text.slice(m.index + m[0].length), request),
    ),
  );
}

/** Fields before the time and after the status, parsed only on demand. */
function otherField(name: string, start: string, after: string, request: string): string | undefined {
  if (name === 'request') return request;
  const before = start.trim().replace(/^"/, '').split(/ +/);
  if (name === 'host') return before[0];
  if (name === 'user') return before.slice(2).join(' ');
  if (name === 'bytes') return /^ +(\d+|-)(?: |$)/.exec(after)?.[1];
  const quoted = [...after.matchAll(new RegExp(QUOTED, 'g'))].map(([, value]) => value);
  if (name === 'referer') return quoted[0];
  return name === 'agent' ? quoted[1] : undefined;
}

/** A pattern with a group for each field; the line may continue after them. */
interface Shape {
  readonly pattern: RegExp;
  readonly what: string;
  timeOf(text: string): number | undefined;
}

/** `client:port [time] frontend backend times status bytes … "request"`; HAProxy truncates a long request. */
const HAPROXY: Shape = {
  pattern:
    /(?:^| )(?<host>[^ ]+):\d+ \[(?<time>\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d+)\] (?<frontend>\S+) (?<backend>\S+) [-+/\d]+ (?<status>\d{3}|-1) (?<bytes>\S+) [^"]*"(?<request>(?:[^"\\]|\\.)*)(?:"|$)/,
  what: 'HAProxy’s httplog',
  timeOf: parseClf,
};
export const HAPROXY_FIELDS = ['host', 'frontend', 'backend', 'bytes', 'request'] as const;

/** `[type] time elb client target 3 times elb_status target_status 2 sizes "request" "agent" …`. */
const ELB: Shape = {
  pattern:
    /^(?:(?<type>[a-z0-9]+) )?(?<time>\d{4}-\d\d-\d\dT[\d:.]+Z) (?<elb>\S+) (?<client>\S+) (?<target_address>\S+) (?:\S+ ){3}(?<status>\d{3}|-) (?<target_status>\d{3}|-) (?<received>\S+) (?<bytes>\S+) "(?<request>(?:[^"\\]|\\.)*)"(?: "(?<agent>(?:[^"\\]|\\.)*)")?/,
  what: 'a load balancer’s log',
  timeOf: parseIso,
};
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

/** HAProxy's `option httplog` and `httpslog`; its time has no zone, and is read as UTC. */
export function haproxyParser(): LineParser {
  return shapeParser(HAPROXY, (target) => target);
}

/**
 * Application Load Balancer and classic ELB. The time is that of the response (`time`), the status the load balancer's own, the
 * path that of the request's URL.
 */
export function elbParser(): LineParser {
  return shapeParser(ELB, pathOfUrl);
}

function shapeParser({ pattern, what, timeOf }: Shape, targetOf: (url: string) => string): LineParser {
  return {
    parse(line) {
      const text = line.toString('latin1');
      const fields = pattern.exec(text)?.groups;
      if (fields === undefined) return text.trim() === '' ? IGNORED : malformed(`not a line of ${what}`);
      const { time = '', status = '', request: quoted = '' } = fields;
      const request = requestOf(quoted);
      const asked = request && { ...request, target: targetOf(request.target) };
      return oneEntry(
        new RequestEntry(timeOf(time), asked, status, (name) =>
          name === 'url' ? request?.target : fields[name],
        ),
      );
    },
  };
}
