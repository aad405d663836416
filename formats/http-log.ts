// Access logs with a quoted request: common, combined and similar formats, HAProxy, and AWS load balancers.
import { type LineParser, malformed, textParser } from './reading.ts';
import { pathOfUrl, requestEntry, requestOf } from './request.ts';
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
export const TIME_ALONE = /\[\d\d:\d\d:\d\d:\d\d\] "/;

/** Common, combined, vhost_combined, S3, API Gateway's CLF, Envoy's default, Traefik, ingress-nginx, Gerrit … */
export function httpLogParser(): LineParser {
  return textParser((text) => {
    const m = LOG.exec(text);
    if (m === null) {
      return malformed(
        TIME_ALONE.test(text)
          ? 'its time has no month and no year ([DD:HH:MM:SS])'
          : 'it has no [time] "request" status, as access logs have',
      );
    }
    const at = m[1] === undefined ? parseIso(m[2] ?? '') : parseClf(m[1]);
    return requestEntry(at, requestOf(m[3] ?? ''), m[4] ?? '', (name) => otherField(name, m));
  });
}

/** Fields before the time and after the status, parsed only on demand. */
function otherField(name: string, m: RegExpExecArray): string | undefined {
  if (name === 'request') return m[3];
  const before = m.input.slice(0, m.index).trim().replace(/^"/, '').split(/ +/);
  const after = m.input.slice(m.index + m[0].length);
  if (name === 'host') return before[0];
  if (name === 'user') return before.slice(2).join(' ');
  if (name === 'bytes') return /^ +(\d+|-)(?: |$)/.exec(after)?.[1];
  const quoted = [...after.matchAll(new RegExp(QUOTED, 'g'))].map(([, value]) => value);
  if (name === 'referer') return quoted[0];
  return name === 'agent' ? quoted[1] : undefined;
}

/** A format whose fields are the groups of a pattern; the line may continue after them. */
interface Shape {
  readonly what: string;
  readonly pattern: RegExp;
  readonly timeOf: (text: string) => number | undefined;
  readonly targetOf?: (url: string) => string;
}

/**
 * HAProxy's `option httplog` and `httpslog`:
 * `client:port [time] frontend backend times status bytes … "request"`.
 * Its time has no zone, and is read as UTC; it truncates a long request.
 */
export const HAPROXY = formatOfShape({
  what: 'HAProxy’s httplog',
  pattern:
    /(?:^| )(?<host>[^ ]+):\d+ \[(?<time>\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d+)\] (?<frontend>\S+) (?<backend>\S+) [-+/\d]+ (?<status>\d{3}|-1) (?<bytes>\S+) [^"]*"(?<request>(?:[^"\\]|\\.)*)(?:"|$)/,
  timeOf: parseClf,
});

/**
 * Application Load Balancer and classic ELB:
 * `[type] time elb client target 3 times elb_status target_status 2 sizes "request" "agent" …`.
 * The time is that of the response, the status the load balancer's own, the path that of the URL.
 */
export const ELB = formatOfShape({
  what: 'a load balancer’s log',
  pattern:
    /^(?:(?<type>[a-z0-9]+) )?(?<time>\d{4}-\d\d-\d\dT[\d:.]+Z) (?<elb>\S+) (?<client>\S+) (?<target_address>\S+) (?:\S+ ){3}(?<status>\d{3}|-) (?<target_status>\d{3}|-) (?<received>\S+) (?<bytes>\S+) "(?<request>(?:[^"\\]|\\.)*)"(?: "(?<agent>(?:[^"\\]|\\.)*)")?/,
  timeOf: parseIso,
  targetOf: pathOfUrl,
});

function formatOfShape({ what, pattern, timeOf, targetOf = (target) => target }: Shape) {
  const fields = [...pattern.source.matchAll(/\(\?<(\w+)>/g)].map(([, name = '']) => name);
  const parser = textParser((text) => {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) return malformed(`not a line of ${what}`);
    const { time = '', status = '', request: quoted = '' } = groups;
    const request = requestOf(quoted);
    const asked = request && { ...request, target: targetOf(request.target) };
    const other = (name: string) => (name === 'url' ? request?.target : groups[name]);
    return requestEntry(timeOf(time), asked, status, other);
  });
  return { fields: [...fields, 'url'], parser: () => parser };
}
