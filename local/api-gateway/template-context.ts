// The variables of mapping templates: $input, $util, $context.
// (docs apigateway/latest/developerguide/api-gateway-mapping-template-reference.html)
import type { Json } from '../json.ts';

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

const step = /\.([A-Za-z_$][\w$-]*)|\[(\d+)\]/y;

/**
 * The value at a path such as `$.a[0].b`, the subset of JSONPath in Tally's mapping templates; undefined if there is none.
 * @throws Error for a path with wildcards or filters
 */
export function evaluateJsonPath(document: Json | undefined, path: string): Json | undefined {
  let value = document;
  step.lastIndex = 1;
  while (step.lastIndex < path.length) {
    const [, name, index] = step.exec(path) ?? [];
    const key = name ?? index;
    if (key === undefined || !path.startsWith('$'))
      throw new Error(`The local API Gateway does not know the path ${path}.`);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Array.isArray(value) ? value[Number(key)] : value[key];
  }
  return value;
}
