// Answers of the front door itself, readable by pages of the allowed origin.
import {
  AuthorizationType,
  type IntegrationResponse,
  type IResource,
  type MethodResponse,
  MockIntegration,
  PassthroughBehavior,
} from 'aws-cdk-lib/aws-apigateway';
import { acknowledge, withoutAuthorizer } from './acknowledge.ts';
import { ECHO_ORIGIN } from './mapping-templates.ts';

/** An answer of an integration. */
export interface FrontDoorAnswer extends Pick<IntegrationResponse, 'statusCode' | 'selectionPattern'> {
  /** In addition to the CORS headers; values in the format of header mappings. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly template: string;
}

/** The CORS headers that let pages of another origin read an answer, in the format of header mappings. */
export function corsHeaders(allowOrigin: string): Record<string, string> {
  return {
    'Access-Control-Allow-Origin': `'${allowOrigin}'`,
    'Access-Control-Expose-Headers': "'Retry-After,ETag'",
  };
}

/** The answer as an integration's response. It also names the origin of requests with credentials. */
export function integrationResponse(
  allowOrigin: string,
  { headers, template, ...response }: FrontDoorAnswer,
): IntegrationResponse {
  const all = {
    ...corsHeaders(allowOrigin),
    'Access-Control-Allow-Credentials': "'true'",
    Vary: "'Origin'",
    ...headers,
  };
  return {
    ...response,
    responseParameters: Object.fromEntries(
      Object.entries(all).map(([name, value]) => [`method.response.header.${name}`, value]),
    ),
    responseTemplates: { 'application/json': `${allowOrigin === '*' ? ECHO_ORIGIN : ''}${template}` },
  };
}

/** Declares the headers of all answers for each status code: an undeclared header cannot be set. */
export function methodResponses(
  answers: readonly IntegrationResponse[],
  statusCodes: readonly string[],
): MethodResponse[] {
  const names = answers.flatMap(({ responseParameters = {} }) => Object.keys(responseParameters));
  const responseParameters = Object.fromEntries(names.map((name) => [name, true]));
  return statusCodes.map((statusCode) => ({ statusCode, responseParameters }));
}

interface ConstantAnswer extends Omit<FrontDoorAnswer, 'selectionPattern'> {
  readonly allowOrigin: string;
  /** Other types are refused with 415. */
  readonly contentTypes: readonly string[];
  /** The reason it has no authorizer. */
  readonly reason: string;
}

/** Adds a method with a constant answer, open to anyone: a preflight, or one for an unknown route. */
export function addConstantAnswer(resource: IResource, verb: string, constant: ConstantAnswer): void {
  const { allowOrigin, contentTypes, reason, ...answer } = constant;
  const request = `{"statusCode":${answer.statusCode}}`;
  const integrationResponses = [integrationResponse(allowOrigin, answer)];
  const integration = new MockIntegration({
    passthroughBehavior: PassthroughBehavior.NEVER,
    requestTemplates: Object.fromEntries(contentTypes.map((type) => [type, request])),
    integrationResponses,
  });
  const method = resource.addMethod(verb, integration, {
    authorizationType: AuthorizationType.NONE,
    methodResponses: methodResponses(integrationResponses, [answer.statusCode]),
  });
  acknowledge(method, withoutAuthorizer(reason));
}
