// The event of a Lambda proxy integration (REST API, version 1), and parsing its answer.
import { asBoolean, asNumber, asObject, asText, isObject, parseJson } from '../json.ts';
import type { GatewayAnswer } from './gateway-responses.ts';
import { headersAsSent } from './mapping.ts';
import type { GatewayRequest } from './request.ts';

/** The event; path parameters stay percent-encoded, query parameters are decoded, as on AWS. */
export function lambdaProxyEvent(request: GatewayRequest): object {
  const { context, query, pathParameters, rawHeaders, body } = request;
  const queryNames = [...new Set(query.keys())];
  return {
    resource: context['resourcePath'],
    path: context['path'],
    httpMethod: context['httpMethod'],
    headers: headersAsSent(rawHeaders),
    queryStringParameters: orNull(queryNames.map((name) => [name, query.getAll(name).at(-1)])),
    multiValueQueryStringParameters: orNull(queryNames.map((name) => [name, query.getAll(name)])),
    pathParameters: orNull(Object.entries(pathParameters)),
    stageVariables: null,
    requestContext: context,
    body: body === '' ? null : body,
    isBase64Encoded: false,
  };
}

/** An object of these entries; null if there are none, as in API Gateway. */
function orNull(entries: readonly (readonly [string, unknown])[]): object | null {
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

/** A function's answer; undefined if it is not in API Gateway's format (the client then gets 502). */
export function readLambdaProxyAnswer(payload: string): GatewayAnswer | undefined {
  const answer = parseJson(payload);
  if (!isObject(answer)) return undefined;
  const status = asNumber(answer['statusCode']);
  if (status === undefined || status < 100 || status > 599) return undefined;
  const body = answer['body'];
  if (body !== undefined && body !== null && typeof body !== 'string') return undefined;
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(asObject(answer['headers']))) {
    headers[name.toLowerCase()] = asText(value) ?? '';
  }
  const encoded = asBoolean(answer['isBase64Encoded']) === true;
  return { status, headers, body: encoded ? Buffer.from(body ?? '', 'base64') : (body ?? '') };
}
