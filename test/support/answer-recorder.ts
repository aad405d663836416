// Listens to answers of the API and holds each against its OpenAPI document: what is seen is documented, and what is documented was seen.
import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { documentedPath, openApiDocument } from '../../api/openapi.ts';
import { OPERATIONS, type Operation } from '../../api/operations.ts';

/** An answer as it was seen. */
export interface SeenAnswer {
  readonly method: string;
  /** The path as it was sent, without the query string. */
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A recorder. */
export interface AnswerRecorder {
  /** fetch, listened to. */
  readonly fetch: typeof fetch;
  /** Documented answers that were not seen, as `POST /v1/events 413`. */
  unseen(): string[];
}

const document = openApiDocument() as unknown as OpenApi;

interface SchemaObject {
  readonly $ref?: string;
  readonly oneOf?: readonly SchemaObject[];
}
interface OpenApi {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, ResponseObject>> }>>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, SchemaObject>> };
}
interface ResponseObject {
  readonly headers?: Readonly<Record<string, { readonly schema: { readonly type: string } }>>;
  readonly content?: Readonly<Record<string, { readonly schema: SchemaObject }>>;
}

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false, strictRequired: false });
ajv.addVocabulary(Object.keys(document));
ajv.addSchema({ $id: 'tally', ...(document as object) } as object, 'tally', undefined, false);
const validators = new Map<string, ValidateFunction>();

/** A documented answer: of several shapes each is one of its own. */
interface Documented {
  /** As `POST /v1/events 503 PartlyAccepted`; without the shape's name where there is one only. */
  readonly name: string;
  /** The place of its schema in the document. */
  readonly pointer: string;
}

function responseOf({ method, path }: Named, status: string): ResponseObject | undefined {
  return document.paths[documentedPath(path)]?.[method.toLowerCase()]?.responses[status];
}

type Named = Pick<Operation, 'method' | 'path'>;

/** The answers of an operation with a status. */
function documentedAnswers({ method, path }: Named, status: string): Documented[] {
  const name = `${method} ${path} ${status}`;
  const response = responseOf({ method, path }, status);
  if (response === undefined) return [];
  const schema = response.content?.['application/json']?.schema;
  // It has no body.
  if (schema === undefined) return [{ name, pointer: '' }];
  const place = ['paths', documentedPath(path), method.toLowerCase(), 'responses', status, 'content'];
  const parts = [...place, 'application/json', 'schema'];
  const pointer = parts.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
  const shapes = resolved(schema).oneOf;
  if (shapes === undefined) return [{ name, pointer: `#/${encodeURI(pointer)}` }];
  return shapes.map(({ $ref = '' }) => ({ name: `${name} ${$ref.split('/').at(-1)}`, pointer: $ref }));
}

function resolved(schema: SchemaObject): SchemaObject {
  return schema.$ref === undefined
    ? schema
    : (document.components.schemas[schema.$ref.replace('#/components/schemas/', '')] ?? {});
}

function validatorOf({ pointer }: Documented): ValidateFunction {
  const found = validators.get(pointer) ?? ajv.compile({ $ref: `tally${pointer}` });
  validators.set(pointer, found);
  return found;
}

/** @throws AssertionError for an answer of a documented route that is not documented; undefined for another route */
function documentedAnswer(seen: SeenAnswer): string | undefined {
  const { method, path, status, headers, body } = seen;
  const operation = OPERATIONS.find((each) => each.method === method && patternOf(each).test(path));
  if (operation === undefined) return undefined;
  const documented = documentedAnswers(operation, String(status));
  const name = `${method} ${operation.path} ${status}`;
  assert.ok(documented.length > 0, `${name} is not documented: ${body}`);
  for (const [header, { schema }] of Object.entries(responseOf(operation, String(status))?.headers ?? {})) {
    const text = headers.get(header) ?? '';
    const value = schema.type === 'integer' ? Number(text || 'none') : text;
    assert.ok(ajv.validate(schema, value), `${name}: ${header} is "${text}"`);
  }
  if (operation.answers[status]?.schema === undefined) {
    assert.equal(body, '', `${name} has a body`);
    return name;
  }
  const contentType = headers.get('content-type') ?? '';
  assert.match(contentType, /^application\/json\b/, `${name}: ${contentType}`);
  const problems: string[] = [];
  for (const each of documented) {
    const validate = validatorOf(each);
    if (validate(JSON.parse(body))) return each.name;
    problems.push(`${each.name}: ${ajv.errorsText(validate.errors)}`);
  }
  return assert.fail(`${problems.join('\n')}\n${body.slice(0, 500)}`);
}

/** Starts to record. */
export function recordAnswers(): AnswerRecorder {
  const seen = new Set<string>();
  return {
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      const { method } = new Request(input, { ...init, body: null });
      const { pathname } = new URL(answer.url);
      const { status, headers } = answer;
      const body = await answer.clone().text();
      const name = documentedAnswer({ method, path: pathname, status, headers, body });
      if (name !== undefined) seen.add(name);
      return answer;
    },
    unseen: () =>
      OPERATIONS.flatMap((operation) =>
        Object.keys(operation.answers).flatMap((status) => documentedAnswers(operation, status)),
      )
        .map(({ name }) => name)
        .filter((name) => !seen.has(name)),
  };
}

/** What paths belong to an operation. */
function patternOf({ path }: Operation): RegExp {
  const pattern = path
    .replaceAll('.', '\\.')
    .replaceAll(/\{\w+\+\}/g, '.+')
    .replaceAll(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^${pattern}$`);
}
