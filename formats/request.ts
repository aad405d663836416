// Entries of access logs: a request, its status, and what else the line says.
import { type Entry, type FieldValue, utf8FromLatin1 } from './reading.ts';

/** What every access log's entry can be filtered on and counted by. */
export const REQUEST_FIELDS = ['method', 'target', 'path', 'query', 'protocol', 'status'] as const;

/** What stands between the quotes of a request. */
export interface Request {
  readonly method: string;
  readonly target: string;
  readonly protocol?: string | undefined;
}

const METHOD = /^[A-Za-z][A-Za-z0-9_-]{0,30}$/;
const PROTOCOL = / +(HTTP\/\d+(?:\.\d+)?) *$/;
const ORIGIN = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/;

/** `METHOD target [HTTP/d[.d]]`; blanks in the target are part of it. Undefined for what is no HTTP: TLS noise, an empty request. */
export function requestOf(text: string): Request | undefined {
  const blank = text.indexOf(' ');
  if (blank < 1) return undefined;
  const method = text.slice(0, blank);
  if (!METHOD.test(method)) return undefined;
  const end = PROTOCOL.exec(text);
  const target = text.slice(blank, end?.index ?? text.length).trim();
  return target === '' ? undefined : { method, target, protocol: end?.[1] };
}

/** The path of an absolute URL, as load balancers write targets. */
export function pathOfUrl(target: string): string {
  const path = target.replace(ORIGIN, '');
  return path.startsWith('/') ? path : `/${path}`;
}

/** An entry of an access log. Strings hold Latin-1, one character a byte, so that no byte changes on the way. */
export class RequestEntry implements Entry {
  readonly at: number | undefined;
  /** Undefined where the server could not read a request either. */
  readonly request: Request | undefined;
  readonly #status: string;
  readonly #other: (name: string) => string | undefined;

  /** @param other the fields besides those of the request */
  constructor(
    at: number | undefined,
    request: Request | undefined,
    status: string,
    other: (name: string) => string | undefined,
  ) {
    this.at = at;
    this.request = request;
    this.#status = status;
    this.#other = other;
  }

  field(name: string): FieldValue {
    const value = this.#raw(name);
    return value === undefined ? undefined : utf8FromLatin1(value);
  }

  #raw(name: string): string | undefined {
    const { request } = this;
    if (name === 'status') return this.#status;
    if (name === 'method') return request?.method;
    if (name === 'protocol') return request?.protocol;
    if (name === 'target') return request?.target;
    if (name !== 'path' && name !== 'query') return this.#other(name);
    const target = request?.target;
    const mark = target?.indexOf('?') ?? -1;
    if (name === 'query') return mark === -1 ? undefined : target?.slice(mark + 1);
    return mark === -1 ? target : target?.slice(0, mark);
  }
}
