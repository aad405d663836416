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
  readonly contentType: string | null;
  readonly retryAfter: string | null;
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

interface OpenApi {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { responses: Record<string, Response3> }>>>
  >;
}
interface Response3 {
  readonly headers?: object;
  readonly content: Readonly<Record<string, { readonly schema: object }>>;
}

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false, strictRequired: false });
ajv.addVocabulary(Object.keys(document));
ajv.addSchema({ $id: 'tally', ...(document as object) } as object, 'tally', undefined, false);
const validators = new Map<string, ValidateFunction>();

/** The validator of an answer, by its place in the document. */
function validatorOf(path: string, method: string, status: number): ValidateFunction {
  const place = [
    'paths',
    path,
    method.toLowerCase(),
    'responses',
    String(status),
    'content',
    'application/json',
  ];
  const pointer = [...place, 'schema']
    .map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
    .join('/');
  const found = validators.get(pointer) ?? ajv.compile({ $ref: `tally#/${encodeURI(pointer)}` });
  validators.set(pointer, found);
  return found;
}

/** @throws AssertionError for an answer of a documented route that is not documented; undefined for another route */
export function documentedAnswer(seen: SeenAnswer): string | undefined {
  const { method, path, status, contentType, retryAfter, body } = seen;
  const operation = OPERATIONS.find((each) => each.method === method && patternOf(each).test(path));
  if (operation === undefined) return undefined;
  const name = `${method} ${operation.path} ${status}`;
  const answer = document.paths[documentedPath(operation.path)]?.[method.toLowerCase()]?.responses[status];
  assert.ok(answer !== undefined, `${name} is not documented: ${body}`);
  assert.match(contentType ?? '', /^application\/json\b/, `${name}: ${contentType}`);
  if (answer.headers !== undefined) assert.match(retryAfter ?? '', /^\d+$/, `${name} has no Retry-After`);
  const validate = validatorOf(documentedPath(operation.path), method, status);
  assert.ok(validate(JSON.parse(body)), `${name}: ${ajv.errorsText(validate.errors)}: ${body.slice(0, 500)}`);
  return name;
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
      const [contentType, retryAfter] = [headers.get('content-type'), headers.get('retry-after')];
      const body = await answer.clone().text();
      const name = documentedAnswer({ method, path: pathname, status, contentType, retryAfter, body });
      if (name !== undefined) seen.add(name);
      return answer;
    },
    unseen: () =>
      OPERATIONS.flatMap(({ method, path, answers }) =>
        Object.keys(answers).map((status) => `${method} ${path} ${status}`),
      ).filter((name) => !seen.has(name)),
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
