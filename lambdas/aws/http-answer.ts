// An HTTP answer as API Gateway's Lambda proxy takes it.
import { createHash } from 'node:crypto';
import type { Freshness } from '../ports.ts';

/** An answer with a JSON body. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

// Node has it, the type library does not know it yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/**
 * An answer whose body is `value` as JSON. Bigints are written digit by digit, since a count may outgrow a double.
 * @param origin the origin that browsers may read the answer from; undefined: none but the API's own
 */
export function jsonAnswer(statusCode: number, value: unknown, origin?: string): HttpAnswer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', ...corsHeaders(origin) };
  return { statusCode, headers, body: jsonOf(value) };
}

/**
 * An answer that the client may keep: 200 with an entity tag, or 304 without a body when the client has it already.
 * Only the client may keep it: what stands between may not know who has an API key.
 * @param ifNoneMatch the request's header: the tags of what the client has
 */
export function keptAnswer(
  value: unknown,
  { maxAgeSeconds, isImmutable }: Freshness,
  ifNoneMatch: string | undefined,
  origin?: string,
): HttpAnswer {
  const body = jsonOf(value);
  const tag = tagOf(body);
  const headers = {
    'content-type': 'application/json',
    'cache-control': `private, max-age=${maxAgeSeconds}${isImmutable ? ', immutable' : ''}`,
    etag: tag,
    ...corsHeaders(origin),
    ...(origin !== undefined && { 'access-control-expose-headers': 'ETag' }),
  };
  if (hasTag(ifNoneMatch, tag)) return { statusCode: 304, headers, body: '' };
  return { statusCode: 200, headers, body };
}

/** For how long anyone may keep a public answer. */
const PUBLIC_SECONDS = 60;

/** An answer for anyone, on any page, which caches on the way may keep as well. */
export function publicAnswer(body: string, type: string, ifNoneMatch: string | undefined): HttpAnswer {
  const tag = tagOf(body);
  const headers = {
    'content-type': type,
    'cache-control': `public, max-age=${PUBLIC_SECONDS}`,
    etag: tag,
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
    // A picture that is opened by itself is a document: it may do nothing.
    'content-security-policy': "default-src 'none'",
  };
  return hasTag(ifNoneMatch, tag)
    ? { statusCode: 304, headers, body: '' }
    : { statusCode: 200, headers, body };
}

/** A request's header, however its name is written: API Gateway hands names over as they came. */
export function headerIn(
  headers: Readonly<Record<string, string | undefined>> | null,
  name: string,
): string | undefined {
  const found = Object.entries(headers ?? {}).find(([each]) => each.toLowerCase() === name);
  return found?.[1];
}

function tagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/** Whether If-None-Match names the tag, compared weakly as it wants: a cache on the way may have weakened one. */
function hasTag(header: string | undefined, tag: string): boolean {
  const named = (header ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  return named.some((one) => one === '*' || one === tag);
}

function corsHeaders(origin: string | undefined): Record<string, string> {
  return origin === undefined ? {} : { 'access-control-allow-origin': origin };
}

/** A value as JSON, bigints digit by digit. */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? rawJSON(String(field)) : field));
}
