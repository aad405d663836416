// Entries of access logs: a request, its status, and the other fields of the line.
import { type Parsed, utf8FromLatin1 } from './reading.ts';

/** Fields that every access log has, for filters and counts. */
export const REQUEST_FIELDS = ['method', 'target', 'path', 'query', 'protocol', 'status'] as const;

/** The quoted part of a request. */
export interface Request {
  readonly method: string;
  readonly target: string;
  readonly protocol?: string | undefined;
}

const METHOD = /^[A-Za-z][A-Za-z0-9_-]{0,30}$/;
const PROTOCOL = /^HTTP\/\d+(?:\.\d+)?$/;
const ORIGIN = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/;

/** `METHOD target [HTTP/d[.d]]`; blanks are part of the target. Undefined if it is not HTTP: TLS noise, an empty request. */
export function requestOf(text: string): Request | undefined {
  const blank = text.indexOf(' ');
  if (blank < 1) return undefined;
  const method = text.slice(0, blank);
  if (!METHOD.test(method)) return undefined;
  const rest = text.slice(blank).trim();
  const last = rest.slice(rest.lastIndexOf(' ') + 1);
  const protocol = PROTOCOL.test(last) ? last : undefined;
  const target = protocol === undefined ? rest : rest.slice(0, -protocol.length).trim();
  return target === '' ? undefined : { method, target: withoutRoute(method, target), protocol };
}

/** API Gateway's CLF for an HTTP API has the method, then a route that begins with the method again. */
function withoutRoute(method: string, target: string): string {
  const route = [`${method} /`, 'ANY /'].find((start) => target.startsWith(start));
  return route === undefined ? target : target.slice(route.length - 1);
}

/** The path of an absolute URL, the form in which load balancers write targets. */
export function pathOfUrl(target: string): string {
  const path = target.replace(ORIGIN, '');
  return path.startsWith('/') ? path : `/${path}`;
}

/** A target up to its first `?`, or after it. */
export function partOfTarget(target: string | undefined, part: 'path' | 'query'): string | undefined {
  const mark = target?.indexOf('?') ?? -1;
  if (part === 'query') return mark === -1 ? undefined : target?.slice(mark + 1);
  return mark === -1 ? target : target?.slice(0, mark);
}

/** The fields of a line by their names, as Latin-1 text. */
type Fields = (name: string) => string | undefined;

/** A line that is one entry. */
export function textEntry(at: number | undefined, valueIn: Fields): Parsed {
  const field = (name: string) => {
    const value = valueIn(name);
    return value === undefined ? undefined : utf8FromLatin1(value);
  };
  return { kind: 'entries', entries: [{ at, field }] };
}

/**
 * A line that is one request.
 * @param request undefined if the server could not parse a request either
 * @param other the fields besides those of the request
 */
export function requestEntry(
  at: number | undefined,
  request: Request | undefined,
  status: string,
  other: Fields,
): Parsed {
  return textEntry(at, (name) => {
    if (name === 'status') return status;
    if (name === 'path' || name === 'query') return partOfTarget(request?.target, name);
    if (name === 'method' || name === 'protocol' || name === 'target') return request?.[name];
    return other(name);
  });
}
