// Routes with a constant answer: preflights and unknown routes.
import {
  AuthorizationType,
  type IResource,
  MockIntegration,
  PassthroughBehavior,
} from 'aws-cdk-lib/aws-apigateway';
import { acknowledgeOpen } from './acknowledge.ts';
import { credentialsHeaders, declared, echoOrigin, responseHeaders } from './put-records.ts';

interface ConstantAnswer {
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
  const headers = responseHeaders({ ...credentialsHeaders(allowOrigin), ...answer.headers });
  const body = message === undefined ? '' : JSON.stringify({ message });
  const integration = new MockIntegration({
    passthroughBehavior: PassthroughBehavior.NEVER,
    requestTemplates: Object.fromEntries(contentTypes.map((type) => [type, `{"statusCode":${statusCode}}`])),
    integrationResponses: [
      {
        statusCode,
        responseParameters: headers,
        responseTemplates: { 'application/json': `${echoOrigin(allowOrigin)}${body}` },
      },
    ],
  });
  const method = resource.addMethod(verb, integration, {
    authorizationType: AuthorizationType.NONE,
    methodResponses: [{ statusCode, responseParameters: declared(headers) }],
  });
  acknowledgeOpen(method, reason);
}
