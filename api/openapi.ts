// Generates the OpenAPI 3.1 document from the operations.
import { COUNTS, COUNTS_ANSWERS, COUNTS_BATCH, PUBLIC_COUNT, SHIELDS_BADGE } from './counts.ts';
import { ACCEPTED, EVENT, EVENTS, PARTLY_ACCEPTED } from './events.ts';
import { type Answer, type AnswerHeader, OPERATIONS, type Operation } from './operations.ts';
import { MESSAGE, STATUS } from './reads.ts';
import type { Schema } from './schema.ts';
import { TOP } from './top.ts';

/** The schemas with a name in the document. Everywhere else in it, they become references. */
const NAMED: Readonly<Record<string, Schema>> = {
  Event: EVENT,
  Events: EVENTS,
  Accepted: ACCEPTED,
  PartlyAccepted: PARTLY_ACCEPTED,
  Message: MESSAGE,
  Counts: COUNTS,
  Top: TOP,
  CountsBatch: COUNTS_BATCH,
  CountsAnswers: COUNTS_ANSWERS,
  Status: STATUS,
  PublicCount: PUBLIC_COUNT,
  ShieldsBadge: SHIELDS_BADGE,
};
const NAMES: ReadonlyMap<unknown, string> = new Map(
  Object.entries(NAMED).map(([name, schema]) => [schema, name]),
);

/** @param server the address before `/v1`, absolute or a path: API Gateway's own address contains the stage */
export function openApiDocument(server = '/'): Readonly<Record<string, unknown>> {
  const paths: Record<string, object> = {};
  for (const operation of OPERATIONS) {
    const path = documentedPath(operation.path);
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: operationObject(operation) };
  }
  const document = {
    openapi: '3.1.1',
    info: {
      title: 'Tally',
      version: '1',
      summary: 'Exact counting of events.',
      description: 'Every accepted event is counted exactly once, or is found by name where it waits.',
      license: { name: 'Unlicensed' },
    },
    servers: [{ url: server }],
    paths,
    components: {
      // Copies, which do not become references to themselves.
      schemas: Object.fromEntries(Object.entries(NAMED).map(([name, schema]) => [name, { ...schema }])),
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        signature: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'AWS Signature Version 4 for the service execute-api.',
        },
      },
    },
  };
  // Plain JSON: named schemas become references, and absent fields are gone.
  const text = JSON.stringify(document, (_, value: unknown) => {
    const name = NAMES.get(value);
    return name === undefined ? value : { $ref: `#/components/schemas/${name}` };
  });
  return JSON.parse(text);
}

/** OpenAPI has no greedy parameters: there, a slash in an entity is percent-encoded. */
export function documentedPath(path: string): string {
  return path.replace('+}', '}');
}

const SECURITY: Readonly<Record<Operation['access'], readonly object[]>> = {
  signed: [{ signature: [] }],
  // A stage without API keys accepts requests without one.
  open: [{ apiKey: [] }, {}],
  public: [],
};

const IF_NONE_MATCH = {
  name: 'If-None-Match',
  in: 'header',
  description: 'The ETag of an earlier answer: 304 if it is current.',
  required: false,
  schema: { type: 'string' },
};

function operationObject(operation: Operation): object {
  const { id, path, summary, access, parameters = {}, body, answers } = operation;
  return {
    operationId: id,
    summary,
    security: SECURITY[access],
    parameters: [
      ...Object.entries(parameters).map(([name, { description, ...schema }]) => {
        const inPath = documentedPath(path).includes(`{${name}}`);
        return { name, in: inPath ? 'path' : 'query', description, required: inPath, schema };
      }),
      ...(304 in answers ? [IF_NONE_MATCH] : []),
    ],
    requestBody: body && { required: true, content: content(body.types, body) },
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, answerObject(answer)]),
    ),
  };
}

function answerObject({ description, schema, headers, alsoTypes = [] }: Answer): object {
  return {
    description,
    headers: headers && Object.fromEntries(headers.map((name) => [name, HEADERS[name]])),
    content: schema && { ...content(['application/json'], { schema }), ...content(alsoTypes, {}) },
  };
}

const HEADERS: Readonly<Record<AnswerHeader, object>> = {
  'Retry-After': { description: 'Seconds after which to try again.', schema: { type: 'integer' } },
  ETag: {
    description: 'A tag of the body, for If-None-Match.',
    schema: { type: 'string', pattern: '^"[!-~]+"$' },
  },
  'Cache-Control': {
    description:
      'How long the answer may be cached: seconds while it is open, up to a week (immutable) once it is final.',
    schema: { type: 'string', pattern: '^private, max-age=[0-9]+(, immutable)?$' },
  },
};

function content(types: readonly string[], { schema }: { readonly schema?: Schema }): object {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}
