// Logs with named columns: W3C with `#Fields` (CloudFront, IIS), CloudFront's real-time logs, and NLB's.
import { IGNORED, type LineParser, malformed, textParser, words } from './reading.ts';
import { requestEntry, textEntry } from './request.ts';
import { parseIso, parseTime } from './time.ts';

/** CloudFront's real-time logs in their default order; they have no header. */
export const REALTIME_FIELDS = words(`
  timestamp c-ip s-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host
  cs-uri-stem cs-bytes`);
export const NLB_FIELDS = words(`
  type version time elb listener client destination connection_time tls_handshake_time received_bytes
  sent_bytes incoming_tls_alert chosen_cert_arn chosen_cert_serial tls_cipher tls_protocol_version
  tls_named_group domain_name alpn_fe_protocol alpn_be_protocol`);

const METHODS = ['cs-method', 'method'];
const TARGETS = ['cs-uri-stem', 'cs-uri', 'uri-stem'];
const STATUSES = ['sc-status', 'status'];
/** The name of `#Date`'s day among the fields: old IIS writes only the time in each line. */
const DAY = '#Date ';

/** Values in the order of the last `#Fields` line; concatenated logs name their columns again, perhaps differently. */
export function w3cParser(given?: readonly string[]): LineParser {
  let fields = given;
  let day = given?.find((one) => one.startsWith(DAY)) ?? '';
  const parse = (text: string) => {
    if (text.startsWith('#')) {
      const [, name, rest = ''] = /^#(Date|Fields):\s*(.*)$/.exec(text) ?? [];
      if (name === 'Date') day = DAY + rest.slice(0, 10);
      const names = name === 'Fields' ? rest.trim().split(/\s+/) : fields;
      if (name !== undefined && names !== undefined)
        fields = [...names.filter((one) => !one.startsWith(DAY)), ...(day === '' ? [] : [day])];
      return IGNORED;
    }
    if (fields === undefined) return malformed('no #Fields line precedes it');
    return namedEntry(fields, valuesOf(text));
  };
  return textParser(parse, () => fields);
}

/** Splits at single tabs, or at blanks, where W3C quotes text with blanks. */
function valuesOf(text: string): readonly string[] {
  if (text.includes('\t')) return text.split('\t');
  if (!text.includes('"')) return text.trim().split(/ +/);
  return (text.match(/"[^"]*"(?= |$)|[^ ]+/g) ?? []).map((one) => one.replace(/^"(.*)"$/, '$1'));
}

function namedEntry(fields: readonly string[], values: readonly string[]) {
  const value = (name: string) => {
    const at = fields.indexOf(name);
    return at === -1 ? undefined : values[at];
  };
  const first = (names: readonly string[]) => names.map(value).find((one) => one !== undefined);
  const [method, target, status] = [first(METHODS), first(TARGETS), first(STATUSES)];
  if (method === undefined || target === undefined || status === undefined) {
    const named = [METHODS, TARGETS, STATUSES].every((names) => names.some((name) => fields.includes(name)));
    return malformed(named ? 'it has too few columns' : '#Fields names no method, URI stem and status');
  }
  const day = value('date') ?? fields.find((one) => one.startsWith(DAY))?.slice(DAY.length);
  const request = method === '-' ? undefined : { method, target };
  return requestEntry(timeOf(day, value('time'), value('timestamp')), request, status, value);
}

function timeOf(day?: string, time?: string, stamp?: string): number | undefined {
  if (day !== undefined && time !== undefined) return parseIso(`${day}T${time}`);
  return stamp === undefined ? undefined : parseTime(stamp, 'auto');
}

/** CloudFront's real-time logs: tab-separated, starting with epoch seconds. */
export function realtimeParser(): LineParser {
  return textParser((text) =>
    /^\d+(?:\.\d+)?\t/.test(text)
      ? namedEntry(REALTIME_FIELDS, text.split('\t'))
      : malformed('not a line of CloudFront’s real-time log'),
  );
}

/** NLB: a TLS connection is counted by the name that the client requested. */
export function nlbParser(): LineParser {
  return textParser((text) => {
    const values = text.split(' ');
    if (values[0] !== 'tls' || values.length < NLB_FIELDS.length)
      return malformed('not a line of an NLB’s TLS log');
    const value = (name: string) => values[NLB_FIELDS.indexOf(name)];
    return textEntry(parseIso(value('time') ?? ''), value);
  });
}
