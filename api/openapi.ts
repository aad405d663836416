// Generates the OpenAPI 3.1 document from the operations.
import { COUNTS, COUNTS_ANSWERS, COUNTS_BATCH } from './counts.ts';
import { ACCEPTED, EVENT, EVENTS, PARTLY_ACCEPTED } from './events.ts';
import { type Answer, type AnswerHeader, OPERATIONS, type Operation } from './operations.ts';
import { PUBLIC_COUNT, SHIELDS_BADGE } from './public.ts';
import { MESSAGE, STATUS } from './reads.ts';
import type { Schema } from './schema.ts';
import { TOP } from './top.ts';

/** JSON, as far as the document needs it. */
type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** The schemas with a name in the document. Inside another schema, they become references. */
const NAMED: ReadonlyMap<Schema, string> = new Map<Schema, string>([
  [EVENT, 'Event'],
  [EVENTS, 'Events'],
  [ACCEPTED, 'Accepted'],
  [PARTLY_ACCEPTED, 'PartlyAccepted'],
  [MESSAGE, 'Message'],
  [COUNTS, 'Counts'],
  [TOP, 'Top'],
  [COUNTS_BATCH, 'CountsBatch'],
  [COUNTS_ANSWERS, 'CountsAnswers'],
  [STATUS, 'Status'],
  [PUBLIC_COUNT, 'PublicCount'],
  [SHIELDS_BADGE, 'ShieldsBadge'],
]);

/** @param server the address before `/v1`, absolute or a path: API Gateway's own address contains the stage */
export function openApiDocument(server = '/'): { readonly [name: string]: Json } {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of OPERATIONS) {
    const path = documentedPath(operation.path);
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: operationObject(operation) };
  }
  const schemas = [...NAMED].map(([schema, name]) => [name, inner(schema)] as const);
  return {
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
      schemas: Object.fromEntries(schemas),
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
}

/** OpenAPI has no greedy parameters: there, a slash in an entity is percent-encoded. */
export function documentedPath(path: string): string {
  return path.replace('+}', '}');
}

const SECURITY: Readonly<Record<Operation['access'], Json>> = {
  signed: [{ signature: [] }],
  // A stage without API keys accepts requests without one.
  open: [{ apiKey: [] }, {}],
  public: [],
};

function operationObject(operation: Operation): Json {
  const { id, summary, access, parameters, body, answers } = operation;
  return {
    operationId: id,
    summary,
    security: SECURITY[access],
    parameters: Object.entries(parameters).map(([name, { in: place, description, schema }]) => ({
      name,
      in: place,
      description,
      required: place === 'path',
      schema: reference(schema),
    })),
    ...(body === undefined
      ? {}
      : { requestBody: { required: body.required, content: content(body.types, body.schema) } }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, answerObject(answer)]),
    ),
  };
}

function answerObject({ description, schema, headers = [], alsoTypes = [] }: Answer): Json {
  return {
    description,
    ...(headers.length === 0
      ? {}
      : { headers: Object.fromEntries(headers.map((name) => [name, HEADERS[name]])) }),
    ...(schema === undefined
      ? {}
      : {
          content: {
            ...(content(['application/json'], schema) as object),
            ...Object.fromEntries(alsoTypes.map((type) => [type, {}])),
          },
        }),
  };
}

const HEADERS: Readonly<Record<AnswerHeader, Json>> = {
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

function content(types: readonly string[], schema: Schema): Json {
  return Object.fromEntries(types.map((type) => [type, { schema: reference(schema) }]));
}

function reference(schema: Schema): Json {
  const name = NAMED.get(schema);
  return name === undefined ? inner(schema) : { $ref: `#/components/schemas/${name}` };
}

/** The schema itself, with references to named schemas inside. */
function inner(schema: Schema): Json {
  const { items, properties, additionalProperties, oneOf, ...plain } = schema;
  return {
    ...(plain as { readonly [name: string]: Json }),
    ...(items === undefined ? {} : { items: reference(items) }),
    ...(properties === undefined ? {} : { properties: eachReference(properties) }),
    ...(oneOf === undefined ? {} : { oneOf: oneOf.map(reference) }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'boolean'
              ? additionalProperties
              : reference(additionalProperties),
        }),
  };
}

function eachReference(properties: Readonly<Record<string, Schema>>): Json {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, reference(schema)]));
}
