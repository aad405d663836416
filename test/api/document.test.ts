// The OpenAPI document itself: complete, resolvable, and with the same routes as the template.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { COUNTS_BATCH } from '../../api/counts.ts';
import { EVENTS } from '../../api/events.ts';
import { documentedPath, openApiDocument } from '../../api/openapi.ts';
import { OPERATIONS } from '../../api/operations.ts';
import { modelOf, resourcesOf, templateJson } from '../support/stack-template.ts';

const document = openApiDocument('/prod');
const template = templateJson('prod', { publicMetrics: ['view'] });

interface Parameter {
  readonly name: string;
  readonly in: string;
}

/** Every object in a value. */
function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const each of Object.values(value)) yield* objectsIn(each);
}

test('it is plain JSON, of OpenAPI 3.1, and names its server', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
  assert.equal(document['openapi'], '3.1.1');
  assert.deepEqual(document['servers'], [{ url: '/prod' }]);
});

test('every reference resolves, every schema is valid, and every name is used', () => {
  const components = document['components'] as { schemas: Record<string, object> };
  const used = new Set<string>();
  for (const { $ref } of objectsIn(document)) {
    if (typeof $ref !== 'string') continue;
    const name = $ref.replace('#/components/schemas/', '');
    assert.ok(components.schemas[name] !== undefined, $ref);
    used.add(name);
  }
  assert.deepEqual([...used].sort(), Object.keys(components.schemas).sort());
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false });
  ajv.addVocabulary(['components']);
  ajv.addSchema({ $id: 'tally', components }, 'tally', undefined, false);
  for (const name of used) assert.ok(ajv.compile({ $ref: `tally#/components/schemas/${name}` }));
});

test('an operation has a unique id, and each name in its path is a parameter', () => {
  const ids = OPERATIONS.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const { paths } = document as { paths: Record<string, Record<string, { parameters: Parameter[] }>> };
  for (const { method, path } of OPERATIONS) {
    const inPath = [...documentedPath(path).matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const parameters = paths[documentedPath(path)]?.[method.toLowerCase()]?.parameters ?? [];
    const declared = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
    assert.deepEqual(declared, inPath, path);
  }
});

test('the routes of the template are the documented ones, with the same access', () => {
  const resources = Object.fromEntries(resourcesOf(template, 'AWS::ApiGateway::Resource'));
  const pathOf = (id: string): string => {
    const { ParentId, PathPart } = resources[id]?.Properties ?? {};
    return ParentId?.Ref === undefined ? `/${PathPart}` : `${pathOf(ParentId.Ref)}/${PathPart}`;
  };
  const deployed = resourcesOf(template, 'AWS::ApiGateway::Method')
    .map(([, { Properties }]) => {
      const { HttpMethod, ResourceId, AuthorizationType, ApiKeyRequired } = Properties;
      const access = AuthorizationType === 'AWS_IAM' ? 'signed' : ApiKeyRequired === true ? 'open' : 'public';
      return `${HttpMethod} ${ResourceId.Ref === undefined ? '/' : pathOf(ResourceId.Ref)} ${access}`;
    })
    .filter((route) => /^(GET|POST) \/v1\//.test(route));
  const documented = OPERATIONS.map(({ method, path, access }) => `${method} ${path} ${access}`);
  assert.deepEqual(documented.sort(), deployed.sort());
});

test("the front door's models are the document's schemas: the same in draft 4 as in 2020-12", () => {
  const schemas = { Events: EVENTS, CountsBatch: COUNTS_BATCH };
  const models = Object.entries(schemas).map(([title, schema]) => {
    const { $schema, title: _, ...model } = modelOf(template, title);
    assert.equal($schema, 'http://json-schema.org/draft-04/schema#');
    assert.deepEqual(model, schema);
    return model;
  });
  assert.equal(resourcesOf(template, 'AWS::ApiGateway::Model').length, models.length);
  // Keywords whose meaning changed between the two, or that draft 4 does not have.
  const changed = [
    'const',
    'exclusiveMinimum',
    'exclusiveMaximum',
    'if',
    'contains',
    'propertyNames',
    '$defs',
    '$ref',
  ];
  for (const schema of objectsIn(models))
    for (const word of changed) assert.ok(!Object.hasOwn(schema, word), word);
});
