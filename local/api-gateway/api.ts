// The template's REST API: from a request to an answer, in API Gateway's order.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { LocalStackError } from '../errors.ts';
import { account } from '../identity.ts';
import { asBoolean, asObject, asText, parseJson } from '../json.ts';
import { callerIn } from '../observer.ts';
import { nameOf, refOf } from '../template/names.ts';
import type { Resource, Template } from '../template/template.ts';
import { readAccess } from './access.ts';
import { type GatewayAnswer, readGatewayResponses } from './gateway-responses.ts';
import { createIntegration, type IntegrationParts } from './integrations.ts';
import { type GatewayRequest, readBody } from './request.ts';
import { type BodyValidator, compileModel } from './request-validation.ts';
import { matchRoute, readRoutes } from './routes.ts';
import type { GatewayContext } from './template-context.ts';

/** Answers requests; undefined when the client disconnected before its request was complete. */
export type Api = (incoming: IncomingMessage) => Promise<GatewayAnswer | undefined>;

/** Builds the template's API. @throws LocalStackError for unsupported features */
export function createApi(template: Template, parts: Omit<IntegrationParts, 'gatewayResponses'>): Api {
  const [api, ...otherApis] = template.ofType('AWS::ApiGateway::RestApi');
  const [stage] = template.ofType('AWS::ApiGateway::Stage');
  if (api === undefined || otherApis.length > 0) {
    throw new LocalStackError('The local stack runs a template with exactly one REST API.');
  }
  const gatewayResponses = readGatewayResponses(template);
  const accessOf = readAccess(template);
  const integrationParts: IntegrationParts = { ...parts, gatewayResponses };
  const models = new Map<string, BodyValidator>(
    template
      .ofType('AWS::ApiGateway::Model')
      .map((model) => [refOf(model), compileModel(model.logicalId, model.properties['Schema'])]),
  );
  const routes = readRoutes(template, (method) => {
    const integration = asObject(method.properties['Integration']);
    if (Object.values(asObject(method.properties['RequestParameters'])).includes(true))
      throw new LocalStackError(`The local API Gateway cannot require parameters: ${method.logicalId}.`);
    return {
      access: accessOf(method),
      integration: createIntegration(integration, integrationParts),
      resourceId: asText(method.properties['ResourceId']) ?? '',
      validate: readValidator(template, method, models),
    };
  });

  return async (incoming) => {
    const context = createContext(incoming, nameOf(api), stage === undefined ? '' : nameOf(stage));
    const started = performance.now();
    const answer = await handle(incoming, context);
    if (answer !== undefined) observe(incoming, answer.status, performance.now() - started);
    return answer && { ...answer, headers: { 'x-amzn-requestid': context.requestId, ...answer.headers } };
  };

  function observe({ method, url, headers }: IncomingMessage, status: number, durationMs: number): void {
    parts.observer?.apiAnswered?.(status, durationMs);
    if (headers.authorization === undefined) return;
    const call = { caller: callerIn(headers.authorization), action: `${method} ${url}`, body: '' };
    parts.observer?.serviceCalled?.({ ...call, service: 'execute-api', answer: { status, body: '' } });
  }

  async function handle(
    incoming: IncomingMessage,
    context: GatewayContext,
  ): Promise<GatewayAnswer | undefined> {
    const verb = incoming.method ?? 'GET';
    const [, rawPath = '/', queryText = ''] = /^([^?]*)\??(.*)$/s.exec(incoming.url ?? '/') ?? [];
    const match = matchRoute(routes, verb, rawPath);
    if (match === undefined) return gatewayResponses('MISSING_AUTHENTICATION_TOKEN', context);
    const { method, route, parameters } = match;
    Object.assign(context, { resourcePath: route.resourcePath, resourceId: method.resourceId });

    const refusal = method.access(incoming.headers);
    if (refusal !== undefined) return gatewayResponses(refusal, context);
    // AWS does not document whether it checks the content type or the body first; this order names the cause.
    if (!method.integration.takes(incoming.headers['content-type'])) {
      return gatewayResponses('UNSUPPORTED_MEDIA_TYPE', context);
    }
    const body = await readBody(incoming);
    if (body === 'broken-off') return undefined;
    if (body === 'too-large') return gatewayResponses('REQUEST_TOO_LARGE', context);

    const text = body.toString('utf8');
    const request: GatewayRequest = {
      verb,
      rawPath,
      resourcePath: route.resourcePath,
      query: new URLSearchParams(queryText),
      headers: incoming.headers,
      rawHeaders: incoming.rawHeaders,
      pathParameters: parameters,
      body: text,
      json: parseJson(text),
      context,
    };
    const violation = method.validate?.(request.json);
    if (violation !== undefined) return gatewayResponses('BAD_REQUEST_BODY', context, violation);
    try {
      return await method.integration.answer(request);
    } catch (error) {
      // A failing template is Tally's fault: the client gets 500, the terminal the reason (never a payload).
      parts.report(
        `${verb} ${route.resourcePath}: ${error instanceof Error ? error.message : String(error)}`,
      );
      return gatewayResponses('API_CONFIGURATION_ERROR', context);
    }
  }
}

/** The validator of a method's bodies, for every content type; undefined if there is none. */
function readValidator(
  template: Template,
  { logicalId, properties }: Resource,
  models: ReadonlyMap<string, BodyValidator>,
): BodyValidator | undefined {
  const declared = template
    .ofType('AWS::ApiGateway::RequestValidator')
    .find((candidate) => refOf(candidate) === properties['RequestValidatorId']);
  if (asBoolean(declared?.properties['ValidateRequestBody']) !== true) return undefined;
  const validator = models.get(asText(asObject(properties['RequestModels'])['$default']) ?? '');
  if (validator === undefined)
    throw new LocalStackError(`The local API Gateway needs a model for $default: ${logicalId} has none.`);
  return validator;
}

function createContext(incoming: IncomingMessage, apiId: string, stage: string): GatewayContext {
  const now = new Date();
  const requestId = randomUUID();
  return {
    accountId: account,
    apiId,
    extendedRequestId: requestId,
    httpMethod: incoming.method ?? '',
    identity: { sourceIp: '127.0.0.1', userAgent: incoming.headers['user-agent'] ?? '' },
    path: incoming.url ?? '/',
    protocol: 'HTTP/1.1',
    requestId,
    requestTime: now.toUTCString(),
    requestTimeEpoch: now.getTime(),
    responseOverride: { header: {} },
    stage,
  };
}
