// Every operation of the API, with its input and all its answers. Everything else is derived from this list.
import {
  COUNTS,
  COUNTS_ANSWERS,
  COUNTS_BATCH,
  COUNTS_QUESTION,
  PUBLIC_COUNT,
  SHIELDS_BADGE,
} from './counts.ts';
import { ACCEPTED, ENTITY, EVENTS, METRIC, PARTLY_ACCEPTED } from './events.ts';
import { MESSAGE, STATUS } from './reads.ts';
import type { Schema } from './schema.ts';
import { METRICS, TOP, TOP_PARAMETERS } from './top.ts';

/** Headers that an answer may include. */
export type AnswerHeader = 'Retry-After' | 'ETag' | 'Cache-Control';

export interface Answer {
  readonly description: string;
  /** Undefined: no body. */
  readonly schema?: Schema;
  readonly headers?: readonly AnswerHeader[];
  /** Content types that are not JSON. */
  readonly alsoTypes?: readonly string[];
}

export interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** The resource's path in API Gateway; `{entity+}` matches slashes too. */
  readonly path: string;
  readonly summary: string;
  /** Who may call: clients with an API key (if the stage requires one), callers with IAM permissions, or anyone. */
  readonly access: 'open' | 'signed' | 'public';
  /** What the path names, and the query string; undefined: none. An operation that answers 304 also takes If-None-Match. */
  readonly parameters?: Readonly<Record<string, Schema>>;
  /** The body by content type; undefined: none. */
  readonly body?: { readonly schema: Schema; readonly types: readonly string[] };
  readonly answers: Readonly<Record<number, Answer>>;
}

const SAYS = (description: string, ...headers: AnswerHeader[]): Answer => ({
  description,
  schema: MESSAGE,
  ...(headers.length > 0 && { headers }),
});

/** API Gateway's own answers on any route. */
const GATEWAY: Readonly<Record<number, Answer>> = {
  403: SAYS('The API key is missing, or the signature on a route that needs one.'),
  429: SAYS('Too many requests, or the quota of the API key is used up: try again later.', 'Retry-After'),
  502: SAYS('The function failed without an answer.'),
  504: SAYS('The function did not answer in time.'),
};

type Answers = Operation['answers'];

/** The failures of every read. */
const READ_FAILS: Answers = {
  503: SAYS('The tables cannot be read at the moment: try again.'),
  ...GATEWAY,
};

const WRONG_PARAMETER = SAYS('The message says which parameter is wrong and what it may be.');

/** The answers of a read that the caller may cache. */
const cached = (description: string, schema: Schema): Answers => ({
  200: { description, schema, headers: ['ETag', 'Cache-Control'] },
  304: {
    description: 'The copy that the caller has is current.',
    headers: ['ETag', 'Cache-Control'],
  },
  ...READ_FAILS,
});

const READ_COUNTS: Operation = {
  id: 'readCounts',
  method: 'GET',
  path: '/v1/counts/{metric}/{entity+}',
  summary: 'Counts of an entity, and how complete they are.',
  access: 'open',
  parameters: {
    metric: { ...METRIC, description: 'The metric.' },
    entity: {
      ...ENTITY,
      description: 'The entity, percent-encoded. It may contain slashes; one at its end must be encoded.',
    },
    ...COUNTS_QUESTION,
  },
  answers: { ...cached('The counts.', COUNTS), 400: WRONG_PARAMETER },
};

/** All operations, in the order of the documentation. */
export const OPERATIONS: readonly Operation[] = [
  {
    id: 'sendEvents',
    method: 'POST',
    path: '/v1/events',
    summary:
      'Accepts events. After a 202 they are counted exactly once. After anything else, send the same request again: that is safe under a batch key, and for events with ids.',
    access: 'open',
    body: { schema: EVENTS, types: ['application/json', 'text/plain'] },
    answers: {
      202: { description: 'All events were accepted.', schema: ACCEPTED },
      400: SAYS('No event was accepted: the message names the field and the rule.'),
      413: SAYS('No event was accepted: send fewer at once, under a new batch key.'),
      415: SAYS('No event was accepted: send JSON, as application/json or text/plain.'),
      500: SAYS('No event was accepted, because of an error in Tally.'),
      503: {
        description:
          'Some events, listed in `failed`, were not accepted; without `failed`, perhaps none was. Send the whole request again.',
        schema: { oneOf: [PARTLY_ACCEPTED, MESSAGE] },
        headers: ['Retry-After'],
      },
      403: SAYS('The API key is missing.'),
      429: SAYS(
        'No event was accepted: the stream is at its limit. Send the whole request again.',
        'Retry-After',
      ),
      504: SAYS(
        'Perhaps no event was accepted: the stream did not answer in time. Send the whole request again.',
      ),
    },
  },
  READ_COUNTS,
  {
    id: 'readCountsBatch',
    method: 'POST',
    path: '/v1/counts:batch',
    summary: 'The same as readCounts for up to 100 questions, all as of one moment.',
    access: 'open',
    body: { schema: COUNTS_BATCH, types: ['application/json'] },
    answers: {
      200: {
        description: 'An answer or an error for each question, in their order.',
        schema: COUNTS_ANSWERS,
      },
      400: SAYS('The body is not a batch; the message says what it may be.'),
      413: SAYS('The body is too large.'),
      ...READ_FAILS,
    },
  },
  {
    id: 'readTop',
    method: 'GET',
    path: '/v1/top/{metric}',
    summary:
      'The entities with the highest counts of an hour, a day, a month or all time, exact, and how complete they are.',
    access: 'open',
    parameters: TOP_PARAMETERS,
    answers: { ...cached('The first k.', TOP), 400: WRONG_PARAMETER },
  },
  {
    id: 'readMetrics',
    method: 'GET',
    path: '/v1/metrics',
    summary: 'The known metrics. A new one is listed some minutes after its first event.',
    access: 'open',
    answers: cached('Their names, in order.', METRICS),
  },
  {
    id: 'readPublic',
    method: 'GET',
    path: '/v1/public/{metric}/{entity+}',
    summary:
      'The total of an entity, for anyone, if the setting publicMetrics has the metric. The path ends in .json, or in .svg for a badge.',
    access: 'public',
    parameters: {
      metric: { ...METRIC, description: 'A public metric.' },
      entity: {
        type: 'string',
        description: 'The entity, percent-encoded, and .json or .svg. It may contain slashes and dots.',
      },
      style: {
        type: 'string',
        enum: ['shields'],
        description: 'With .json: the format of a shields.io endpoint badge.',
      },
      label: {
        type: 'string',
        minLength: 1,
        maxLength: 40,
        description: 'The text beside the number of a badge. Default: the metric.',
      },
    },
    answers: {
      200: {
        description: 'The total; 0 for an unknown entity.',
        schema: { oneOf: [PUBLIC_COUNT, SHIELDS_BADGE] },
        alsoTypes: ['image/svg+xml'],
        headers: ['ETag'],
      },
      304: { description: 'The copy that the caller has is current.', headers: ['ETag'] },
      400: SAYS('The message says what is wrong with the path or a parameter.'),
      404: SAYS('The metric is not public.'),
      ...READ_FAILS,
    },
  },
  {
    id: 'readStatus',
    method: 'GET',
    path: '/v1/status',
    summary: 'Where every received event is.',
    access: 'open',
    parameters: {
      hours: {
        type: 'integer',
        minimum: 0,
        maximum: 48,
        description: 'How many hours of arrival to return, the present one included. Default: 24.',
      },
    },
    answers: {
      200: { description: 'The accounts.', schema: STATUS },
      400: WRONG_PARAMETER,
      ...READ_FAILS,
    },
  },
  {
    id: 'describe',
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document.',
    access: 'open',
    answers: { 200: { description: 'OpenAPI 3.1.', schema: { type: 'object' } }, ...GATEWAY },
  },
  {
    ...READ_COUNTS,
    id: 'readCountsSigned',
    path: '/v1/admin/counts/{metric}/{entity+}',
    summary: 'The same as readCounts, for callers with IAM permission.',
    access: 'signed',
  },
];
