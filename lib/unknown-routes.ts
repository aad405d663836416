// The front door's answers to unknown routes: 404, or 405 for another verb, with a list of routes.
import { type IResource, Resource, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import { OPERATIONS } from '../api/operations.ts';
import { addConstantAnswer } from './front-door-answers.ts';

/** The routes in one sentence. No quotes, since it goes into a JSON string. */
const ROUTES_SENTENCE = `The routes are ${OPERATIONS.filter(({ access }) => access === 'open')
  .map(({ method, path }) => `${method} ${path}`)
  .join(', ')}. GET /v1/openapi.json describes them, GET / is the console.`;

/** Content types that unknown clients may send; a type without a template would be refused with 415. */
const CONTENT_TYPES = [
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'application/octet-stream',
];

/** Answers every verb and path without a route. Call it after all routes are added. */
export function addUnknownRoutes(api: RestApi, allowOrigin: string): void {
  const add = (resource: IResource, statusCode: string, sentence: string, headers = {}) =>
    addConstantAnswer(resource, 'ANY', {
      statusCode,
      allowOrigin,
      headers,
      contentTypes: CONTENT_TYPES,
      template: JSON.stringify({ message: `${sentence} ${ROUTES_SENTENCE}` }),
      reason: 'It answers a constant that says which routes there are; nothing stands behind it.',
    });
  const addUnknown = (resource: IResource) => add(resource, '404', 'There is no such route.');
  const resources = api.root.node.findAll().filter((each) => each instanceof Resource);
  for (const resource of [api.root, ...resources]) {
    const allow = api.methods
      .filter((each) => each.resource === resource && each.httpMethod !== 'OPTIONS')
      .map(({ httpMethod }) => httpMethod)
      .toSorted()
      .join(', ');
    if (allow === '') addUnknown(resource);
    else add(resource, '405', `This route takes ${allow} only.`, { Allow: `'${allow}'` });
  }
  addUnknown(api.root.addResource('{proxy+}'));
}
