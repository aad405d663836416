// A method's integration: an AWS service, a function, or a mock.
import {
  type AwsJsonClient,
  isJsonService,
  type JsonService,
  type RawAnswer,
} from '../emulators/aws-json.ts';
import { LocalStackError } from '../errors.ts';
import { requestTooLarge } from '../functions/function.ts';
import type { Functions } from '../functions/functions.ts';
import { asText, type JsonObject } from '../json.ts';
import type { StackObserver } from '../observer.ts';
import type { GatewayAnswer, GatewayResponses, GatewayResponseType } from './gateway-responses.ts';
import { lambdaProxyEvent, readLambdaProxyAnswer } from './lambda-proxy.ts';
import { compileRequestMapping, compileResponseMapping, staticHeaders } from './mapping.ts';
import type { GatewayRequest } from './request.ts';

export interface Integration {
  /** Whether it accepts a content type, as far as that can be decided without the body. */
  takes(contentType: string | undefined): boolean;
  /** Answers a request that has passed all checks. */
  answer(request: GatewayRequest): Promise<GatewayAnswer>;
}

/** The API's call of an AWS service, which tests may answer themselves. */
export interface ServiceCall {
  readonly service: JsonService;
  readonly action: string;
  readonly body: string;
}

/** Answers a service call instead of the service; undefined lets it through. */
export type ServiceFault = (call: ServiceCall) => RawAnswer | undefined | Promise<RawAnswer | undefined>;

export interface IntegrationParts {
  readonly functions: Functions;
  readonly client: (service: JsonService) => AwsJsonClient;
  readonly gatewayResponses: GatewayResponses;
  readonly fault: () => ServiceFault | undefined;
  /** Reports an error of the API itself, such as a failing template; never with a payload. */
  readonly report: (message: string) => void;
  readonly observer?: StackObserver | undefined;
}

/** API Gateway's default and maximum timeout. */
const timeoutMs = 29_000;

/** Builds a method's integration. @throws LocalStackError for an unsupported kind */
export function createIntegration(integration: JsonObject, parts: IntegrationParts): Integration {
  const type = asText(integration['Type']) ?? 'none';
  if (type === 'AWS') return serviceIntegration(integration, parts);
  if (type === 'AWS_PROXY') return lambdaProxyIntegration(integration, parts);
  if (type === 'MOCK') return mockIntegration(integration, parts);
  throw new LocalStackError(
    `The API has an integration of type ${type}, which the local stack does not run.`,
  );
}

function serviceIntegration(integration: JsonObject, parts: IntegrationParts): Integration {
  const uri = asText(integration['Uri']) ?? '';
  const [, service = '', action = ''] = /^arn:aws:apigateway:[^:]*:(\w+):action\/(\w+)$/.exec(uri) ?? [];
  if (!isJsonService(service)) {
    throw new LocalStackError(`The API integrates ${uri}, which the local stack does not run.`);
  }
  const client = parts.client(service);
  const { takes, render } = compileRequestMapping(integration);
  const mapResponse = compileResponseMapping(integration);
  const headers = staticHeaders(integration['RequestParameters'], 'integration.request.header.');
  const caller = `role ${(asText(integration['Credentials']) ?? '').replace(/^.*:role\//, '')}`;

  return {
    takes,
    answer: async (request) => {
      const body = render(request);
      let answer: RawAnswer;
      try {
        answer =
          (await parts.fault()?.({ service, action, body })) ??
          (await client.send(action, body, { timeoutMs, headers }));
      } catch (error) {
        const late = error instanceof Error && error.message.includes('no answer in time');
        return refuse(parts, late ? 'INTEGRATION_TIMEOUT' : 'INTEGRATION_FAILURE', request);
      }
      parts.observer?.serviceCalled?.({ caller, service, action, body, answer });
      return mapResponse(request, String(answer.status), answer.body);
    },
  };
}

function lambdaProxyIntegration(integration: JsonObject, parts: IntegrationParts): Integration {
  const uri = asText(integration['Uri']) ?? '';
  const [, functionArn = ''] = /functions\/(.+)\/invocations$/.exec(uri) ?? [];
  const target = parts.functions.find(functionArn);
  return {
    takes: () => true,
    answer: async (request) => {
      let timer: NodeJS.Timeout | undefined;
      const tooLate = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, timeoutMs, undefined);
      });
      const event = lambdaProxyEvent(request);
      const outcome = await Promise.race([target.invoke(event), tooLate]);
      clearTimeout(timer);
      if (outcome === undefined) return refuse(parts, 'INTEGRATION_TIMEOUT', request);
      if (!outcome.ok && outcome.error.errorType === requestTooLarge)
        return refuse(parts, 'REQUEST_TOO_LARGE', request);
      const answer = outcome.ok ? readLambdaProxyAnswer(outcome.payload) : undefined;
      return answer ?? refuse(parts, 'DEFAULT_5XX', request);
    },
  };
}

function mockIntegration(integration: JsonObject, parts: IntegrationParts): Integration {
  const { takes, render } = compileRequestMapping(integration);
  const mapResponse = compileResponseMapping(integration);
  return {
    takes,
    answer: async (request) => {
      // CDK writes `{ statusCode: 204 }`, which API Gateway accepts although it is not JSON.
      const [, selection] = /"?statusCode"?\s*:\s*(\d{3})/.exec(render(request)) ?? [];
      if (selection === undefined) return refuse(parts, 'API_CONFIGURATION_ERROR', request);
      return mapResponse(request, selection, '');
    },
  };
}

function refuse(parts: IntegrationParts, type: GatewayResponseType, request: GatewayRequest): GatewayAnswer {
  return parts.gatewayResponses(type, request.context);
}
