// Mapping of a request to an integration, and of the integration's answer to the client's.
import { LocalStackError } from '../errors.ts';
import { asList, asObject, asText, type Json, type JsonObject, parseJson } from '../json.ts';
import type { GatewayAnswer } from './gateway-responses.ts';
import { evaluateJsonPath } from './json-path.ts';
import { type GatewayRequest, mediaType } from './request.ts';
import { type RequestParameters, templateContext } from './template-context.ts';
import { compileVelocity, type VelocityTemplate } from './velocity.ts';

/** Renders the integration's request; undefined when the content type has no template and may not pass. */
export type RequestMapping = (request: GatewayRequest) => string | undefined;

/** An integration's answer: what is matched against the selection patterns, and what templates see. */
export interface IntegrationAnswer {
  readonly selection: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Shapes the client's answer. */
export type ResponseMapping = (request: GatewayRequest, answer: IntegrationAnswer) => GatewayAnswer;

/** Compiles the integration's request templates. */
export function compileRequestMapping(
  integration: JsonObject,
  stageVariables: Record<string, string>,
): RequestMapping {
  const templates = compileTemplates(asObject(integration['RequestTemplates']));
  const behavior = asText(integration['PassthroughBehavior']) ?? 'WHEN_NO_MATCH';
  return (request) => {
    const template = templates.get(mediaType(request.headers['content-type'])) ?? templates.get('$default');
    if (template === undefined) {
      const passes =
        behavior === 'WHEN_NO_MATCH' || (behavior === 'WHEN_NO_TEMPLATES' && templates.size === 0);
      return passes ? request.body : undefined;
    }
    return template.render(
      templateContext(request.body, request.json(), parametersOf(request), request.context, stageVariables),
    );
  };
}

/** Compiles the integration's responses. @throws LocalStackError if it has none */
export function compileResponseMapping(
  integration: JsonObject,
  stageVariables: Record<string, string>,
): ResponseMapping {
  const responses = asList(integration['IntegrationResponses']).map((item) => {
    const response = asObject(item);
    const pattern = asText(response['SelectionPattern']);
    const templates = compileTemplates(asObject(response['ResponseTemplates']));
    return {
      pattern: pattern === undefined || pattern === '' ? undefined : new RegExp(`^(?:${pattern})$`, 's'),
      status: Number(asText(response['StatusCode']) ?? 200),
      template: templates.get('application/json') ?? [...templates.values()][0],
      contentType: templates.has('application/json') ? 'application/json' : [...templates.keys()][0],
      parameters: Object.entries(asObject(response['ResponseParameters'])),
    };
  });
  if (responses.length === 0) throw new LocalStackError('An integration of the API has no responses.');

  return (request, answer) => {
    const { context } = request;
    const response =
      responses.find(({ pattern }) => pattern?.test(answer.selection)) ??
      responses.find(({ pattern }) => pattern === undefined);
    if (response === undefined) throw new Error(`No integration response fits ${answer.selection}.`);
    const json = parseJson(answer.body);
    const parameters = parametersOf(request);
    const body =
      response.template?.render(templateContext(answer.body, json, parameters, context, stageVariables)) ??
      answer.body;
    const headers: Record<string, string> = { 'content-type': response.contentType ?? 'application/json' };
    for (const [name, source] of response.parameters) {
      const value = headerValue(asText(source) ?? '', answer, json, context);
      if (value !== undefined) headers[name.replace('method.response.header.', '').toLowerCase()] = value;
    }
    const { status, header } = context.responseOverride;
    for (const [name, value] of Object.entries(header)) headers[name.toLowerCase()] = String(value);
    return { status: Number(status ?? response.status), headers, body };
  };
}

/** `$input.params()`: the request's, in templates of answers as well. */
function parametersOf({ pathParameters, query, rawHeaders }: GatewayRequest): RequestParameters {
  return {
    path: pathParameters,
    querystring: Object.fromEntries(query),
    header: headersAsSent(rawHeaders),
  };
}

function headerValue(
  source: string,
  answer: IntegrationAnswer,
  json: Json | undefined,
  context: Record<string, unknown>,
): string | undefined {
  if (source.startsWith("'")) return source.slice(1, -1);
  const [, kind = '', name = ''] =
    /^(integration\.response\.(?:header|body)|context)\.(.+)$/.exec(source) ?? [];
  if (kind === 'integration.response.header') return answer.headers[name.toLowerCase()];
  if (kind === 'integration.response.body') return asText(evaluateJsonPath(json, `$.${name}`));
  if (kind === 'context') return asText(context[name]);
  throw new Error(`The local API Gateway cannot map a header from ${source}.`);
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

/** Headers by the names the client gave them. */
export function headersAsSent(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers[rawHeaders[index] ?? ''] = rawHeaders[index + 1] ?? '';
  }
  return headers;
}
