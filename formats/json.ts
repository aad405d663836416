// JSON lines: an object a line, several, or an array; any object, or the access logs of servers that write JSON.
import {
  type Entry,
  type FieldValue,
  IGNORED,
  type LineParser,
  malformed,
  oneEntry,
  utf8Of,
} from './reading.ts';
import { requestOf } from './request.ts';
import { parseTime } from './time.ts';

/** What servers call a request's parts: nginx by habit, Caddy, Traefik, Envoy, API Gateway, CloudFront, Apache, Kubernetes' ingress. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  method: [
    'method',
    'request_method',
    'requestMethod',
    'request.method',
    'RequestMethod',
    'httpMethod',
    'http_method',
    'cs-method',
    'http.request.method',
    'verb',
  ],
  target: [
    'target',
    'request_uri',
    'request.uri',
    'RequestPath',
    'uri',
    'cs-uri-stem',
    'path',
    'url',
    'request_path',
    'http.path',
    'url.path',
    'resourcePath',
  ],
  status: [
    'status',
    'status_code',
    'DownstreamStatus',
    'OriginStatus',
    'response_code',
    'sc-status',
    'http.response.status_code',
    'statusCode',
    'response.status',
  ],
  protocol: ['protocol', 'server_protocol', 'request.proto', 'RequestProtocol', 'cs-protocol-version'],
};
const REQUESTS = ['request', 'request_line'];
const TIMES = [
  'time_local',
  'time_iso8601',
  '@timestamp',
  'timestamp',
  'StartUTC',
  'start_time',
  'requestTimeEpoch',
  'requestTime',
  'ts',
  'msec',
  'time',
  'at',
  'datetime',
];

/** Objects by line. A line without what is to be counted is malformed: it reports nothing. */
export function jsonParser(): LineParser {
  return {
    parse(line) {
      const text = utf8Of(line)?.trim();
      if (text === undefined) return malformed('it is not UTF-8');
      // The lines of a pretty array: its brackets, and a comma after each object.
      const bare = text.endsWith(',') ? text.slice(0, -1) : text;
      if (bare === '' || bare === '[' || bare === ']') return IGNORED;
      const values = valuesOf(bare);
      if (values === undefined) return malformed('it is not JSON');
      const objects = values.filter(({ value }) => isObject(value));
      if (objects.length < values.length || objects.length === 0) return malformed('it is no JSON object');
      const entries = objects.map(({ value, source }) => new JsonEntry(value, source));
      return entries.length === 1 && entries[0] ? oneEntry(entries[0]) : { kind: 'entries', entries };
    },
  };
}

interface Value {
  readonly value: unknown;
  /** The JSON that it came from. */
  readonly source: string;
}

function valuesOf(text: string): Value[] | undefined {
  const whole = parsed(text) ?? parsed(withEscapesMended(text));
  if (whole === undefined) return severalOf(text);
  if (!Array.isArray(whole.value)) return [whole];
  return whole.value.map((value: unknown) => ({ value, source: JSON.stringify(value) }));
}

function parsed(text: string): Value | undefined {
  try {
    return { value: JSON.parse(text), source: text };
  } catch {
    return undefined;
  }
}

/** nginx without `escape=json` writes the bytes that JSON cannot hold as `\xNN`. */
function withEscapesMended(text: string): string {
  if (!text.includes('\\x')) return '';
  return text.replace(/(?:\\x[0-9A-Fa-f]{2})+/g, (run) =>
    JSON.stringify(Buffer.from(run.replaceAll('\\x', ''), 'hex').toString('utf8')).slice(1, -1),
  );
}

/** Objects that follow each other with nothing, or blanks or commas, between; undefined if that is not what stands there. */
function severalOf(text: string): Value[] | undefined {
  const values: Value[] = [];
  let [depth, from, quoted] = [0, 0, false];
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (c === '\\') i += 1;
    else if (c === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (c === '{' && depth++ === 0) {
      if (!/^[\s,]*$/.test(text.slice(from, i))) return undefined;
      from = i;
    } else if (c === '}' && --depth === 0) {
      const one = parsed(text.slice(from, i + 1));
      if (one === undefined) return undefined;
      values.push(one);
      from = i + 1;
    }
  }
  return depth === 0 && values.length > 1 && text.slice(from).trim() === '' ? values : undefined;
}

/** An object's fields by their names, or by paths of names joined by dots; and by their roles in an access log. */
export class JsonEntry implements Entry {
  readonly #value: unknown;
  readonly #source: string;
  #roles: Readonly<Record<string, string | undefined>> | undefined;

  constructor(value: unknown, source: string) {
    this.#value = value;
    this.#source = source;
  }

  get at(): number | undefined {
    const [date, clock] = [this.#own('date'), this.#own('time')];
    // CloudFront's v2 logs have them apart.
    if (date != null && clock != null && /^\d\d:/.test(clock)) return parseTime(`${date}T${clock}`, 'auto');
    for (const name of TIMES) {
      const text = this.#own(name);
      const at = text == null ? undefined : parseTime(text, 'auto');
      if (at !== undefined) return at;
    }
    return undefined;
  }

  /** Whether it has what an access log has. */
  get isRequest(): boolean {
    const { method, target, status } = this.#request();
    return method !== undefined && target !== undefined && status !== undefined && this.at !== undefined;
  }

  field(name: string): FieldValue {
    const own = this.#own(name);
    // What the object itself calls `path` may have a query in it, which is stripped as elsewhere.
    if (name !== 'path' && own !== undefined) return own;
    const { target, ...roles } = this.#request();
    if (name === 'target') return target;
    if (name === 'path' || name === 'query') {
      const mark = target?.indexOf('?') ?? -1;
      if (name === 'query') return mark === -1 ? undefined : target?.slice(mark + 1);
      return mark === -1 ? (target ?? own) : target?.slice(0, mark);
    }
    return Object.hasOwn(roles, name) ? roles[name] : own;
  }

  #request(): Readonly<Record<string, string | undefined>> {
    if (this.#roles !== undefined) return this.#roles;
    const found: Record<string, string | undefined> = {};
    for (const [role, names] of Object.entries(ROLES)) {
      found[role] = names.map((name) => this.#own(name)).find((one) => one != null) ?? undefined;
    }
    const line = REQUESTS.map((name) => this.#own(name)).find((one) => one != null);
    const request = line == null ? undefined : requestOf(line);
    this.#roles = request === undefined ? found : { ...found, ...request };
    return this.#roles;
  }

  #own(path: string): FieldValue {
    const value = fieldOf(this.#value, path);
    if (typeof value === 'string') return value.isWellFormed() ? value : null;
    if (typeof value === 'boolean') return String(value);
    if (typeof value !== 'number') return undefined;
    return Number.isSafeInteger(value) ? String(value) : exactNumber(this.#source, path);
  }
}

function fieldOf(value: unknown, path: string): unknown {
  if (!isObject(value)) return undefined;
  if (Object.hasOwn(value, path)) return value[path];
  // Names may have dots in them: every cut is tried.
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    const found = fieldOf(value[path.slice(0, dot)], path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The digits as they stand in the line: an id beyond 2^53 must not become its neighbour, nor a time its next minute. */
function exactNumber(source: string, path: string): string | undefined {
  const exact: unknown = JSON.parse(source, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? { digits: context?.source ?? String(value) } : value,
  );
  const found = fieldOf(exact, path);
  return isObject(found) && typeof found['digits'] === 'string' ? found['digits'] : undefined;
}
