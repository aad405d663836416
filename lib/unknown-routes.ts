// What the front door answers where there is no route: 404, or 405 for another verb, with the routes there are.
import {
  AuthorizationType,
  type IResource,
  type Method,
  MockIntegration,
  PassthroughBehavior,
  Resource,
  type RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { OPERATIONS } from '../api/operations.ts';
import { acknowledge } from './acknowledge.ts';
import { credentialsHeaders, echoOrigin } from './put-records.ts';

/** The routes in one sentence. No quotes: it stands inside a JSON string. */
const ROUTES_SENTENCE = `The routes are ${OPERATIONS.filter(({ access }) => access === 'open')
  .map(({ method, path }) => `${method} ${path}`)
  .join(', ')}. GET /v1/openapi.json describes them, GET / is the console.`;

/** Content types a stranger may send; without a template of its own a type would be refused with 415. */
const CONTENT_TYPES = [
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'application/octet-stream',
];

/** Answers every verb and path that no route has. To be called when all routes are there. */
export function addUnknownRoutes(api: RestApi, allowOrigin: string): void {
  const resources = api.root.node.findAll().filter((each) => each instanceof Resource);
  for (const resource of [api.root, ...resources]) {
    const verbs = verbsOf(api, resource);
    if (verbs.length === 0)
      addAny(resource, '404', `There is no such route. ${ROUTES_SENTENCE}`, allowOrigin);
    else {
      const allow = verbs.join(', ');
      addAny(resource, '405', `This route takes ${allow} only. ${ROUTES_SENTENCE}`, allowOrigin, allow);
    }
  }
  const rest = api.root.addResource('{proxy+}');
  addAny(rest, '404', `There is no such route. ${ROUTES_SENTENCE}`, allowOrigin);
}

function verbsOf(api: RestApi, resource: IResource): string[] {
  return api.methods
    .filter((method) => method.resource === resource && method.httpMethod !== 'OPTIONS')
    .map(({ httpMethod }) => httpMethod)
    .toSorted();
}

function addAny(
  resource: IResource,
  statusCode: string,
  message: string,
  allowOrigin: string,
  allow?: string,
): Method {
  const headers = Object.entries({
    ...credentialsHeaders(allowOrigin),
    ...(allow === undefined ? {} : { Allow: `'${allow}'` }),
  }).map(([name, value]) => [`method.response.header.${name}`, value] as const);
  const method = resource.addMethod(
    'ANY',
    new MockIntegration({
      passthroughBehavior: PassthroughBehavior.NEVER,
      requestTemplates: Object.fromEntries(
        CONTENT_TYPES.map((type) => [type, `{"statusCode":${statusCode}}`]),
      ),
      integrationResponses: [
        {
          statusCode,
          responseParameters: Object.fromEntries(headers),
          responseTemplates: {
            'application/json': `${echoOrigin(allowOrigin)}${JSON.stringify({ message })}`,
          },
        },
      ],
    }),
    {
      authorizationType: AuthorizationType.NONE,
      methodResponses: [
        { statusCode, responseParameters: Object.fromEntries(headers.map(([name]) => [name, true])) },
      ],
    },
  );
  const reason = 'It answers a constant that says which routes there are; nothing stands behind it.';
  acknowledge(method, { 'AwsSolutions-APIG4': reason, 'AwsSolutions-COG4': reason });
  return method;
}
