// HTTP answers for API Gateway's Lambda proxy integration.
import { createHash } from 'node:crypto';
import type { Freshness } from '../ports.ts';

export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

// Node has it; the type library does not yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/**
 * An answer whose body is `value` as JSON. A count may exceed a double, so bigints keep all digits.
 * @param origin whose pages may read the answer; undefined: only the API's own
 */
export function jsonAnswer(statusCode: number, value: unknown, origin?: string): HttpAnswer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', ...corsHeaders(origin) };
  return { statusCode, headers, body: jsonOf(value) };
}

/**
 * An answer that the client may cache: 200 with an ETag, or 304 if the client has it already.
 * It is private, because a shared cache does not check API keys.
 * @param ifNoneMatch the request's header
 */
export function keptAnswer(
  value: unknown,
  { maxAgeSeconds, isImmutable }: Freshness,
  ifNoneMatch: string | undefined,
  origin?: string,
): HttpAnswer {
  const headers = {
    'content-type': 'application/json',
    'cache-control': `private, max-age=${maxAgeSeconds}${isImmutable ? ', immutable' : ''}`,
    ...corsHeaders(origin),
    ...(origin !== undefined && { 'access-control-expose-headers': 'ETag' }),
  };
  return taggedAnswer(jsonOf(value), headers, ifNoneMatch);
}

/** How long anyone may cache a public answer. */
const PUBLIC_SECONDS = 60;

/** An answer that any page may read and any cache may keep. */
export function publicAnswer(body: string, type: string, ifNoneMatch: string | undefined): HttpAnswer {
  const headers = {
    'content-type': type,
    'cache-control': `public, max-age=${PUBLIC_SECONDS}`,
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
    // An SVG opened by itself is a document; this keeps it from running anything.
    'content-security-policy': "default-src 'none'",
  };
  return taggedAnswer(body, headers, ifNoneMatch);
}

/** A request's header. API Gateway keeps the case of its name. */
export function headerIn(
  headers: Readonly<Record<string, string | undefined>> | null,
  name: string,
): string | undefined {
  const found = Object.entries(headers ?? {}).find(([each]) => each.toLowerCase() === name);
  return found?.[1];
}

/** 200 with an ETag, or 304 if the client has the body. */
export function taggedAnswer(
  body: string,
  others: Record<string, string>,
  ifNoneMatch: string | undefined,
): HttpAnswer {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
  const headers = { ...others, etag };
  if (hasTag(ifNoneMatch, etag)) return { statusCode: 304, headers, body: '' };
  return { statusCode: 200, headers, body };
}

/** Whether If-None-Match names the tag. The comparison is weak, as RFC 9110 requires: a cache may have weakened the tag. */
function hasTag(header: string | undefined, tag: string): boolean {
  const named = (header ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  return named.some((one) => one === '*' || one === tag);
}

function corsHeaders(origin: string | undefined): Record<string, string> {
  return origin === undefined ? {} : { 'access-control-allow-origin': origin };
}

/** A value as JSON; bigints keep all digits. */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? rawJSON(String(field)) : field));
}
