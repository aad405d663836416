// Maps a request to an integration, and the integration's answer to the client's.
import { LocalStackError } from '../errors.ts';
import { asList, asObject, asText, type JsonObject, parseJson } from '../json.ts';
import type { GatewayAnswer } from './gateway-responses.ts';
import { type GatewayRequest, mediaType } from './request.ts';
import { templateContext } from './template-context.ts';
import { compileVelocity, type VelocityTemplate } from './velocity.ts';

/** Compiles the integration's request templates. @throws LocalStackError if bodies without a template would pass through */
export function compileRequestMapping(integration: JsonObject) {
  const templates = compileTemplates(asObject(integration['RequestTemplates']));
  if (integration['PassthroughBehavior'] !== 'NEVER')
    throw new LocalStackError('The local API Gateway runs integrations with PassthroughBehavior NEVER only.');
  return {
    /** Whether there is a template for a content type; the others must not be rendered. */
    takes: (contentType: string | undefined) => templates.has(mediaType(contentType)),
    render: (request: GatewayRequest): string => {
      const { headers, body, json, context } = request;
      const template = templates.get(mediaType(headers['content-type']));
      return template?.(templateContext(body, json, parametersOf(request), context)) ?? '';
    },
  };
}

/**
 * Compiles the integration's responses.
 * @returns shapes the client's answer, from the text for the selection patterns and the body that templates see
 * @throws LocalStackError if it has none, or one that maps values from an answer
 */
export function compileResponseMapping(integration: JsonObject) {
  const responses = asList(integration['IntegrationResponses']).map((item) => {
    const response = asObject(item);
    const pattern = asText(response['SelectionPattern']);
    return {
      pattern: pattern === undefined ? undefined : new RegExp(`^(?:${pattern})$`, 's'),
      status: Number(asText(response['StatusCode']) ?? 200),
      template: compileTemplates(asObject(response['ResponseTemplates'])).get('application/json'),
      headers: staticHeaders(response['ResponseParameters'], 'method.response.header.'),
    };
  });
  if (responses.length === 0) throw new LocalStackError('An integration of the API has no responses.');

  return (request: GatewayRequest, selection: string, answered: string): GatewayAnswer => {
    const { context } = request;
    const response =
      responses.find(({ pattern }) => pattern?.test(selection)) ??
      responses.find(({ pattern }) => pattern === undefined);
    if (response === undefined) throw new Error(`No integration response fits ${selection}.`);
    const seen = templateContext(answered, parseJson(answered), parametersOf(request), context);
    const body = response.template?.(seen) ?? answered;
    const { status, header } = context.responseOverride;
    const overridden = Object.entries(header).map(([name, value]) => [name.toLowerCase(), String(value)]);
    return {
      status: Number(status ?? response.status),
      headers: { 'content-type': 'application/json', ...response.headers, ...Object.fromEntries(overridden) },
      body,
    };
  };
}

/** Headers with a quoted value, by names with the given prefix. @throws LocalStackError for any other parameter */
export function staticHeaders(parameters: unknown, prefix: string): Record<string, string> {
  const headers = Object.entries(asObject(parameters)).map(([name, value]) => {
    const [, text] = /^'(.*)'$/.exec(asText(value) ?? '') ?? [];
    if (!name.startsWith(prefix) || text === undefined)
      throw new LocalStackError(`The local API Gateway cannot map ${name} from ${asText(value)}.`);
    return [name.slice(prefix.length).toLowerCase(), text];
  });
  return Object.fromEntries(headers);
}

/** `$input.params()`: the request's parameters, in response templates as well. */
function parametersOf({ pathParameters, query, rawHeaders }: GatewayRequest): object {
  const header = headersAsSent(rawHeaders);
  return { path: pathParameters, querystring: Object.fromEntries(query), header };
}

function compileTemplates(templates: JsonObject): Map<string, VelocityTemplate> {
  return new Map(
    Object.entries(templates).map(([type, source]) => {
      try {
        return [type.toLowerCase(), compileVelocity(asText(source) ?? '')];
      } catch (error) {
        throw new LocalStackError(`A mapping template of the API does not parse: ${String(error)}`);
      }
    }),
  );
}

/** Headers by the names as sent by the client. */
export function headersAsSent(rawHeaders: readonly string[]): Record<string, string> {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  return Object.fromEntries(names.map((name, index) => [name, rawHeaders[2 * index + 1] ?? '']));
}
