// Logs whose columns have names: W3C with `#Fields` (CloudFront, IIS), CloudFront's real-time logs, and NLB's.
import {
  type Entry,
  type FieldValue,
  IGNORED,
  type LineParser,
  malformed,
  oneEntry,
  utf8FromLatin1,
} from './reading.ts';
import { RequestEntry } from './request.ts';
import { parseIso, parseTime } from './time.ts';

/** CloudFront's real-time logs in their default order; they have no header. */
export const REALTIME_FIELDS =
  'timestamp c-ip s-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes'.split(
    ' ',
  );
/** NLB's TLS listener logs. */
export const NLB_FIELDS =
  'type version time elb listener client destination connection_time tls_handshake_time received_bytes sent_bytes incoming_tls_alert chosen_cert_arn chosen_cert_serial tls_cipher tls_protocol_version tls_named_group domain_name alpn_fe_protocol alpn_be_protocol'.split(
    ' ',
  );

const METHODS = ['cs-method', 'method'];
const TARGETS = ['cs-uri-stem', 'cs-uri', 'uri-stem'];
const STATUSES = ['sc-status', 'status'];

/** Values in the order of the last `#Fields` line; a concatenation of logs names its columns again, perhaps others. */
export function w3cParser(given?: readonly string[]): LineParser {
  let fields = given;
  return {
    get header() {
      return fields;
    },
    parse(line) {
      const text = line.toString('latin1');
      if (text.trim() === '') return IGNORED;
      if (text.startsWith('#')) {
        if (text.startsWith('#Fields:')) fields = text.slice('#Fields:'.length).trim().split(/\s+/);
        return IGNORED;
      }
      if (fields === undefined) return malformed('no #Fields line stands before it');
      const values = text.includes('\t') ? text.split('\t') : text.trim().split(/ +/);
      return oneEntryOf(fields, values);
    },
  };
}

function oneEntryOf(fields: readonly string[], values: readonly string[]) {
  const value = (name: string) => {
    const at = fields.indexOf(name);
    return at === -1 ? undefined : values[at];
  };
  const first = (names: readonly string[]) => names.map(value).find((one) => one !== undefined);
  const [method, target, status] = [first(METHODS), first(TARGETS), first(STATUSES)];
  if (method === undefined || target === undefined || status === undefined) {
    const named = [METHODS, TARGETS, STATUSES].every((names) => names.some((name) => fields.includes(name)));
    return malformed(
      named ? 'it has fewer columns than #Fields names' : '#Fields names no method, URI stem and status',
    );
  }
  const request = method === '-' ? undefined : { method, target };
  return oneEntry(new RequestEntry(timeOf(value), request, status, value));
}

function timeOf(value: (name: string) => string | undefined): number | undefined {
  const [date, time, stamp] = [value('date'), value('time'), value('timestamp')];
  if (date !== undefined && time !== undefined) return parseIso(`${date}T${time}`);
  return stamp === undefined ? undefined : parseTime(stamp, 'auto');
}

/** NLB: a TLS connection is counted by the name the client asked for. */
export function nlbParser(): LineParser {
  return {
    parse(line) {
      const text = line.toString('latin1');
      if (text.trim() === '') return IGNORED;
      const values = text.split(' ');
      if (values[0] !== 'tls' || values.length < NLB_FIELDS.length)
        return malformed('not a line of an NLB’s TLS log');
      const at = parseIso(values[NLB_FIELDS.indexOf('time')] ?? '');
      return oneEntry(new NamedEntry(at, (name) => values[NLB_FIELDS.indexOf(name)]));
    },
  };
}

/** An entry whose fields are its columns; Latin-1, as they stand. */
class NamedEntry implements Entry {
  readonly at: number | undefined;
  readonly #value: (name: string) => string | undefined;

  constructor(at: number | undefined, value: (name: string) => string | undefined) {
    this.at = at;
    this.#value = value;
  }

  field(name: string): FieldValue {
    const value = this.#value(name);
    return value === undefined ? undefined : utf8FromLatin1(value);
  }
}
