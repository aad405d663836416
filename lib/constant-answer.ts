// Routes with a constant answer: preflights and unknown routes.
import {
  AuthorizationType,
  type IResource,
  MockIntegration,
  PassthroughBehavior,
} from 'aws-cdk-lib/aws-apigateway';
import { acknowledge } from './acknowledge.ts';
import { credentialsHeaders, echoOrigin } from './put-records.ts';

export interface ConstantAnswer {
  readonly statusCode: string;
  readonly allowOrigin: string;
  /** In addition to the CORS headers; values in the format of header mappings. */
  readonly headers: Readonly<Record<string, string>>;
  readonly message?: string;
  /** Other types are refused with 415. */
  readonly contentTypes: readonly string[];
  /** The reason it has no authorizer. */
  readonly reason: string;
}

/** Adds a method with a constant answer, open to anyone. */
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
