// A method's integration: an AWS service, a function, or a mock.
import {
  type AwsJsonClient,
  isJsonService,
  type JsonService,
  type RawAnswer,
} from '../emulators/aws-json.ts';
import { answerCall, type CallWatch } from '../emulators/fault-proxy.ts';
import { LocalStackError } from '../errors.ts';
import { requestTooLarge } from '../functions/function.ts';
import type { Functions } from '../functions/functions.ts';
import { asNumber, asObject, asText, type JsonObject, parseJson } from '../json.ts';
import type { GatewayAnswer, GatewayResponseType } from './gateway-responses.ts';
import { compileRequestMapping, compileResponseMapping, headersAsSent, staticHeaders } from './mapping.ts';
import type { GatewayRequest } from './request.ts';

export interface Integration {
  /** Whether it accepts a content type, as far as that can be decided without the body. */
  takes(contentType: string | undefined): boolean;
  /** Answers a request that has passed all checks, or names the answer that API Gateway gives itself. */
  answer(request: GatewayRequest): Promise<GatewayAnswer | GatewayResponseType>;
}

export interface IntegrationParts extends CallWatch {
  readonly functions: Functions;
  readonly clients: Readonly<Record<JsonService, AwsJsonClient>>;
}

/** Builds a method's integration. @throws LocalStackError for an unsupported kind */
export function createIntegration(integration: JsonObject, parts: IntegrationParts): Integration {
  const type = asText(integration['Type']) ?? 'none';
  if (type === 'AWS_PROXY') return functionIntegration(integration, parts);
  if (type === 'AWS') return mappedIntegration(integration, serviceBehind(integration, parts));
  if (type === 'MOCK') return mappedIntegration(integration, mock);
  throw new LocalStackError(
    `The API has an integration of type ${type}, which the local stack does not run.`,
  );
}

function functionIntegration(integration: JsonObject, { functions }: IntegrationParts): Integration {
  const [, functionArn = ''] = /functions\/(.+)\/invocations$/.exec(asText(integration['Uri']) ?? '') ?? [];
  const target = functions.find(functionArn);
  return {
    takes: () => true,
    answer: async (request) => {
      const outcome = await target.invoke(lambdaProxyEvent(request));
      if (outcome.ok) return readLambdaProxyAnswer(outcome.payload) ?? 'DEFAULT_5XX';
      return outcome.error.errorType === requestTooLarge ? 'REQUEST_TOO_LARGE' : 'DEFAULT_5XX';
    },
  };
}

/** The event of a Lambda proxy integration (REST API, version 1); path parameters stay percent-encoded, query parameters are decoded, as on AWS. */
function lambdaProxyEvent({ context, query, pathParameters, rawHeaders, body }: GatewayRequest): object {
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
function readLambdaProxyAnswer(payload: string): GatewayAnswer | undefined {
  const { statusCode, headers, body = null, isBase64Encoded } = asObject(parseJson(payload));
  const status = asNumber(statusCode) ?? 0;
  if (status < 100 || status > 599 || (body !== null && typeof body !== 'string')) return undefined;
  const sent: Record<string, string> = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(asObject(headers)))
    sent[name.toLowerCase()] = asText(value) ?? '';
  return {
    status,
    headers: sent,
    body: Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** Answers the body that a mapping template rendered. */
type Behind = (body: string) => Promise<Pick<RawAnswer, 'status' | 'body'> | GatewayResponseType>;

function mappedIntegration(integration: JsonObject, behind: Behind): Integration {
  const { takes, render } = compileRequestMapping(integration);
  const mapResponse = compileResponseMapping(integration);
  return {
    takes,
    answer: async (request) => {
      const answer = await behind(render(request));
      return typeof answer === 'string' ? answer : mapResponse(request, String(answer.status), answer.body);
    },
  };
}

function serviceBehind(integration: JsonObject, parts: IntegrationParts): Behind {
  const uri = asText(integration['Uri']) ?? '';
  const [, service = '', action = ''] = /^arn:aws:apigateway:[^:]*:(\w+):action\/(\w+)$/.exec(uri) ?? [];
  if (!isJsonService(service)) {
    throw new LocalStackError(`The API integrates ${uri}, which the local stack does not run.`);
  }
  const headers = staticHeaders(integration['RequestParameters'], 'integration.request.header.');
  const caller = `role ${(asText(integration['Credentials']) ?? '').replace(/^.*:role\//, '')}`;
  return async (body) => {
    const send = () => parts.clients[service].send(action, body, { headers });
    const answer = await answerCall(parts, { caller, service, action, body }, send).catch(() => undefined);
    return answer ?? 'INTEGRATION_FAILURE';
  };
}

const mock: Behind = async (body) => {
  // CDK writes `{ statusCode: 204 }`, which API Gateway accepts although it is not JSON.
  const [, status] = /"?statusCode"?\s*:\s*(\d{3})/.exec(body) ?? [];
  return status === undefined ? 'API_CONFIGURATION_ERROR' : { status: Number(status), body: '' };
};
