// JSON lines: one object a line, several, or an array; any object, or the JSON access logs of common servers.
import { isUtf8 } from 'node:buffer';
import { fieldsOf, jsonIn } from '../lambdas/core/json.ts';
import { type Entry, type FieldValue, IGNORED, type LineParser, malformed, words } from './reading.ts';
import { partOfTarget, type Request, requestOf } from './request.ts';
import { parseTime } from './time.ts';

/** Servers' names for the parts of a request: nginx by convention, Caddy, Traefik, Envoy, API Gateway, CloudFront, Apache, Kubernetes' ingress. */
const METHODS = words(`
  method request_method requestMethod request.method RequestMethod httpMethod http_method cs-method
  http.request.method verb :method`);
const TARGETS = words(`
  target request_uri request.uri RequestPath uri cs-uri-stem path url request_path http.path url.path
  resourcePath x-envoy-original-path x-envoy-origin-path :path`);
const STATUSES = words(`
  status status_code DownstreamStatus OriginStatus response_code sc-status http.response.status_code
  statusCode response.status`);
const PROTOCOLS = words('protocol server_protocol request.proto RequestProtocol cs-protocol-version');
const REQUESTS = ['request', 'request_line'];
/** An HTTP API's `GET /pets/{id}`, for logs without the path itself. */
const ROUTES = ['routeKey'];
const TIMES = words(`
  time_local time_iso8601 @timestamp timestamp StartUTC start_time requestTimeEpoch requestTime ts
  msec time at datetime`);

export function jsonParser(): LineParser {
  return {
    parse(line) {
      // Invalid UTF-8, for example in a user agent, spoils only its own field.
      const spoilt = !isUtf8(line);
      const text = line.toString().trim();
      // The lines of a pretty-printed array: its brackets, and a comma after each object.
      const bare = text.endsWith(',') ? text.slice(0, -1) : text;
      if (bare === '' || bare === '[' || bare === ']') return IGNORED;
      const values = valuesOf(bare);
      if (values === undefined) return malformed('it is not JSON');
      if (values.length === 0 || !values.every(({ value }) => fieldsOf(value)))
        return malformed('it is not a JSON object');
      return { kind: 'entries', entries: values.map((value) => new JsonEntry(value, spoilt)) };
    },
  };
}

interface Value {
  readonly value: unknown;
  /** The same, each number as its text in the line: rounding an id beyond 2^53, or a time, would change it. */
  exact(): unknown;
}

function valuesOf(source: string): Value[] | undefined {
  const repaired = withEscapesRepaired(source);
  for (const text of repaired === source ? [source] : [source, repaired]) {
    const value = jsonIn(text);
    const exact = exactly(text);
    if (Array.isArray(value))
      return value.map((one, index) => ({ value: one, exact: () => (exact() as unknown[])[index] }));
    if (value !== undefined) return [{ value, exact }];
  }
  return severalOf(repaired);
}

/** Parses at the first call only: an array may have thousands of values. */
function exactly(source: string): () => unknown {
  let exact: unknown;
  return () => {
    exact ??= JSON.parse(source, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? context?.source : value,
    );
    return exact;
  };
}

/** nginx without `escape=json`, and Apache, write bytes that JSON cannot hold as `\xNN`; an escaped backslash stays. */
function withEscapesRepaired(text: string): string {
  if (!text.includes('\\x')) return text;
  return text.replace(/\\\\|(?:\\x[0-9A-Fa-f]{2})+/g, (run) =>
    run === '\\\\'
      ? run
      : JSON.stringify(Buffer.from(run.replaceAll('\\x', ''), 'hex').toString('utf8')).slice(1, -1),
  );
}

/** Objects that follow each other directly, or separated by blanks or commas; undefined for anything else. */
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
      const source = text.slice(from, i + 1);
      const value = jsonIn(source);
      if (value === undefined) return undefined;
      values.push({ value, exact: exactly(source) });
      from = i + 1;
    }
  }
  return depth === 0 && values.length > 1 && text.slice(from).trim() === '' ? values : undefined;
}

/** What is known of a request. */
type Asked = { readonly [name in keyof Request]: string | undefined };

/** An object's fields by name, or by a path of names joined by dots; and by their roles in an access log. */
export class JsonEntry implements Entry {
  readonly #json: Value;
  readonly #spoilt: boolean;
  #request: Asked | undefined;

  /** @param spoilt its line is not UTF-8: a replacement character in a field may be an invalid byte */
  constructor(json: Value, spoilt: boolean) {
    this.#json = json;
    this.#spoilt = spoilt;
  }

  get at(): number | undefined {
    const [date, clock] = [this.#own('date'), this.#own('time')];
    // CloudFront's v2 logs split date and time.
    if (date != null && clock != null && /^\d\d:/.test(clock)) return parseTime(`${date}T${clock}`, 'auto');
    for (const name of TIMES) {
      const text = this.#own(name);
      const at = text == null ? undefined : parseTime(text, 'auto');
      if (at !== undefined) return at;
    }
    return undefined;
  }

  /** Whether it has the fields of an access log. */
  get isRequest(): boolean {
    const { method, target } = this.#asked();
    return [method, target, this.#first(STATUSES), this.at].every((one) => one !== undefined);
  }

  field(name: string): FieldValue {
    const own = this.#own(name);
    // A field named `path` may include a query, which is stripped as elsewhere.
    if (name === 'path') return partOfTarget(this.#asked().target, name) ?? own;
    if (own !== undefined) return own;
    if (name === 'query') return partOfTarget(this.#asked().target, name);
    if (name === 'status') return this.#first(STATUSES);
    return name === 'method' || name === 'target' || name === 'protocol' ? this.#asked()[name] : undefined;
  }

  #asked(): Asked {
    this.#request ??= this.#line(REQUESTS) ?? this.#parts();
    return this.#request;
  }

  #parts(): Asked {
    const target = this.#first(TARGETS);
    const route = target === undefined ? this.#line(ROUTES) : undefined;
    return {
      method: this.#first(METHODS) ?? route?.method,
      target: target ?? route?.target,
      protocol: this.#first(PROTOCOLS) ?? route?.protocol,
    };
  }

  #line(names: readonly string[]): Request | undefined {
    const line = this.#first(names);
    return line === undefined ? undefined : requestOf(line);
  }

  #first(names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = this.#own(name);
      if (value != null) return value;
    }
    return undefined;
  }

  #own(path: string): FieldValue {
    const value = fieldOf(this.#json.value, path);
    if (typeof value === 'boolean') return String(value);
    if (typeof value === 'number')
      return Number.isSafeInteger(value) ? String(value) : (fieldOf(this.#json.exact(), path) as string);
    if (typeof value !== 'string') return undefined;
    return value.isWellFormed() && !(this.#spoilt && value.includes('\ufffd')) ? value : null;
  }
}

function fieldOf(value: unknown, path: string): unknown {
  const fields = fieldsOf(value);
  if (fields === undefined) return undefined;
  if (Object.hasOwn(fields, path)) return fields[path];
  // Names may contain dots: try every split.
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    const found = fieldOf(fields[path.slice(0, dot)], path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
