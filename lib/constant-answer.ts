// Routes that answer a constant: preflights, and what there is no route for.
import {
  AuthorizationType,
  type IResource,
  MockIntegration,
  PassthroughBehavior,
} from 'aws-cdk-lib/aws-apigateway';
import { acknowledge } from './acknowledge.ts';
import { credentialsHeaders, echoOrigin } from './put-records.ts';

/** What a route answers. */
export interface ConstantAnswer {
  readonly statusCode: string;
  readonly allowOrigin: string;
  /** Besides those of CORS; values as header mappings write them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly message?: string;
  /** Others are refused with 415. */
  readonly contentTypes: readonly string[];
  /** Why it needs neither an authorizer nor users. */
  readonly reason: string;
}

/** Adds a method that answers a constant, to anyone. */
export function addConstantAnswer(resource: IResource, verb: string, answer: ConstantAnswer): void {
  const { statusCode, allowOrigin, message, contentTypes, reason } = answer;
  const headers = Object.entries({ ...credentialsHeaders(allowOrigin), ...answer.headers }).map(
    ([name, value]) => [`method.response.header.${name}`, value] as const,
  );
  const body = message === undefined ? '' : JSON.stringify({ message });
  const integration = new MockIntegration({
    passthroughBehavior: PassthroughBehavior.NEVER,
    requestTemplates: Object.fromEntries(contentTypes.map((type) => [type, `{"statusCode":${statusCode}}`])),
    integrationResponses: [
      {
        statusCode,
        responseParameters: Object.fromEntries(headers),
        responseTemplates: { 'application/json': `${echoOrigin(allowOrigin)}${body}` },
      },
    ],
  });
  const method = resource.addMethod(verb, integration, {
    authorizationType: AuthorizationType.NONE,
    methodResponses: [
      { statusCode, responseParameters: Object.fromEntries(headers.map(([name]) => [name, true])) },
    ],
  });
  acknowledge(method, { 'AwsSolutions-APIG4': reason, 'AwsSolutions-COG4': reason });
}
