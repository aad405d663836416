// The template's REST API: from a request to an answer, in API Gateway's order.
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalStackError } from '../errors.ts';
import { account } from '../identity.ts';
import { asObject, asText, parseJson } from '../json.ts';
import { callerIn } from '../observer.ts';
import type { Resource, Template } from '../template/template.ts';
import { type GatewayAnswer, type GatewayResponseType, readGatewayResponses } from './gateway-responses.ts';
import { createIntegration, type IntegrationParts } from './integrations.ts';
import { readBody } from './request.ts';
import { compileModel } from './request-validation.ts';
import { readRoutes } from './routes.ts';

/** Answers requests; undefined when the client disconnected before its request was complete. */
export type Api = (incoming: IncomingMessage) => Promise<GatewayAnswer | undefined>;

/** API Gateway's default and maximum timeout of an integration. */
const timeoutMs = 29_000;

interface ApiParts extends IntegrationParts {
  /** Reports an error of the API itself, such as a failing template; never with a payload. */
  readonly report: (message: string) => void;
}

/** Builds the template's API. @throws LocalStackError for unsupported features */
export function createApi(template: Template, parts: ApiParts): Api {
  const [api, ...otherApis] = template.ofType('AWS::ApiGateway::RestApi');
  const [stage] = template.ofType('AWS::ApiGateway::Stage');
  if (api === undefined || otherApis.length > 0) {
    throw new LocalStackError('The local stack runs a template with exactly one REST API.');
  }
  const gatewayResponses = readGatewayResponses(template);
  const refusalOf = readAccess(template);
  const routeOf = readRoutes(template, (resource) => {
    if (Object.values(asObject(resource.properties['RequestParameters'])).includes(true))
      throw new LocalStackError(`The local API Gateway cannot require parameters: ${resource.logicalId}.`);
    const integration = createIntegration(asObject(resource.properties['Integration']), parts);
    return { resource, integration, validate: readValidator(template, resource) };
  });

  return async (incoming) => {
    const context = createContext(incoming, api.name, stage?.name);
    const started = performance.now();
    const result = await handle(incoming, context);
    if (result === undefined) return undefined;
    const answer = typeof result === 'string' ? gatewayResponses(result, context) : result;
    observe(incoming, answer.status, performance.now() - started);
    return { ...answer, headers: { 'x-amzn-requestid': context.requestId, ...answer.headers } };
  };

  function observe({ method, url, headers }: IncomingMessage, status: number, durationMs: number): void {
    parts.observer?.emit('apiAnswered', status, durationMs);
    if (headers.authorization === undefined) return;
    const call = { caller: callerIn(headers.authorization), action: `${method} ${url}`, body: '' };
    parts.observer?.emit('serviceCalled', { ...call, service: 'execute-api', answer: { status, body: '' } });
  }

  async function handle(
    incoming: IncomingMessage,
    context: ReturnType<typeof createContext>,
  ): Promise<GatewayAnswer | GatewayResponseType | undefined> {
    const { url = '', headers, rawHeaders } = incoming;
    const { httpMethod, path } = context;
    const route = routeOf(httpMethod, path);
    if (route === undefined) return 'MISSING_AUTHENTICATION_TOKEN';
    const { resourcePath, pathParameters } = route;
    const { resource, integration, validate } = route.method;
    Object.assign(context, { resourcePath, resourceId: resource.properties['ResourceId'] });

    const refusal = refusalOf(resource, headers);
    if (refusal !== undefined) return refusal;
    // AWS does not document whether it checks the content type or the body first; this order names the cause.
    if (!integration.takes(headers['content-type'])) return 'UNSUPPORTED_MEDIA_TYPE';
    const body = await readBody(incoming);
    if (body === 'broken-off') return undefined;
    if (body === 'too-large') return 'REQUEST_TOO_LARGE';

    const text = body.toString('utf8');
    const json = parseJson(text);
    const violation = validate?.(json);
    if (violation !== undefined) return gatewayResponses('BAD_REQUEST_BODY', context, violation);
    const query = new URLSearchParams(url.slice(path.length));
    const timer = new AbortController();
    const late = sleep(timeoutMs, 'INTEGRATION_TIMEOUT' as const, { signal: timer.signal });
    try {
      const request = { headers, rawHeaders, query, pathParameters, body: text, json, context };
      return await Promise.race([integration.answer(request), late]);
    } catch (error) {
      // A failing template is Tally's fault: the client gets 500, the terminal the reason (never a payload).
      const reason = error instanceof Error ? error.message : String(error);
      parts.report(`${httpMethod} ${resourcePath}: ${reason}`);
      return 'API_CONFIGURATION_ERROR';
    } finally {
      timer.abort();
    }
  }
}

/**
 * Reads the API keys. Returns a function that gives the reason to refuse a request to a method. Signatures, throttles and quotas
 * are not checked (docs/local-stack.md).
 */
function readAccess(template: Template) {
  const inPlan = template
    .ofType('AWS::ApiGateway::UsagePlanKey')
    .map(({ properties }) => properties['KeyId']);
  const keys = template
    .ofType('AWS::ApiGateway::ApiKey')
    .filter((key) => key.properties['Enabled'] !== false && inPlan.includes(key.ref))
    .map(apiKeyValue);
  return ({ properties }: Resource, headers: IncomingHttpHeaders): GatewayResponseType | undefined => {
    const { authorization = '', 'x-api-key': key } = headers;
    if (
      properties['AuthorizationType'] === 'AWS_IAM' &&
      !/^AWS4-HMAC-SHA256 .*Signature=/.test(authorization)
    )
      return 'MISSING_AUTHENTICATION_TOKEN';
    const needsKey = properties['ApiKeyRequired'] === true;
    return needsKey && !keys.includes(String(key)) ? 'INVALID_API_KEY' : undefined;
  };
}

/** An API key's value: the template's, or one derived from its logical id. */
export function apiKeyValue(key: Resource): string {
  return asText(key.properties['Value']) ?? `local-${key.logicalId}`;
}

/** The validator of a method's bodies, for every content type; undefined if there is none. */
function readValidator(template: Template, { logicalId, properties }: Resource) {
  const declared = template.find(asText(properties['RequestValidatorId']) ?? '');
  if (declared?.properties['ValidateRequestBody'] !== true) return undefined;
  const model = template.find(asText(asObject(properties['RequestModels'])['$default']) ?? '');
  if (model === undefined)
    throw new LocalStackError(`The local API Gateway needs a model for $default: ${logicalId} has none.`);
  return compileModel(model.logicalId, model.properties['Schema']);
}

function createContext(incoming: IncomingMessage, apiId: string, stage: string | undefined) {
  const { method = 'GET', url = '/', headers } = incoming;
  const now = new Date();
  const requestId = randomUUID();
  return {
    accountId: account,
    apiId,
    extendedRequestId: requestId,
    httpMethod: method,
    identity: { sourceIp: '127.0.0.1', userAgent: headers['user-agent'] ?? '' },
    /** As sent by the client, without the query. */
    path: url.replace(/\?.*$/s, ''),
    protocol: 'HTTP/1.1',
    requestId,
    requestTime: now.toUTCString(),
    requestTimeEpoch: now.getTime(),
    responseOverride: { header: {} },
    stage,
  };
}
