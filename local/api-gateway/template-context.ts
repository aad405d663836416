// The variables of mapping templates: $input, $util, $context.
// (docs apigateway/latest/developerguide/api-gateway-mapping-template-reference.html)
import type { Json } from '../json.ts';
import { evaluateJsonPath } from './json-path.ts';

/** `$context`, which templates may also write to. */
export interface GatewayContext extends Record<string, unknown> {
  readonly requestId: string;
  readonly responseOverride: { status?: unknown; header: Record<string, unknown> };
}

/**
 * A template's context for a body: the request's, or in a response template the integration's.
 * @param parameters the request's, by place: path, querystring, header
 */
export function templateContext(
  body: string,
  json: Json | undefined,
  parameters: object,
  context: GatewayContext,
): Record<string, unknown> {
  const input = {
    body,
    path: (path: string) => evaluateJsonPath(json, path) ?? null,
    // A path without a value gives an empty JSON string.
    json: (path: string) => {
      const value = evaluateJsonPath(json, path);
      return value === undefined ? '""' : JSON.stringify(value);
    },
    params: () => parameters,
  };
  const util = {
    base64Encode: (text: unknown) => Buffer.from(String(text ?? ''), 'utf8').toString('base64'),
  };
  return { input, util, context };
}
