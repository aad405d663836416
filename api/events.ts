// POST /v1/events: request and answers.
import { exactly, listOf, NUMBER_OF, type Schema } from './schema.ts';

/** Maximum events in one request: without a batch key each is a record, and this is PutRecords' limit. */
const EVENTS_MAX = 500;

// The patterns have no backslash except in \uXXXX: the validator's message quotes them, unescaped, in JSON.
const YEAR = '(19[7-9][0-9]|20[0-9]{2})';
const LEAP_YEAR = '(19(7[26]|8[048]|9[26])|20([02468][048]|[13579][26]))';
const DAYS_28 = '(0[1-9]|1[0-9]|2[0-8])';
const DATE = `(${YEAR}-((0[1-9]|1[0-2])-${DAYS_28}|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)|${LEAP_YEAR}-02-29)`;
/** At both ends of the range, an offset could lead outside it. */
const NO_OFFSET_AT_THE_ENDS = '(?!(1970-01-01|2099-12-31)T.*[+-])';
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?';
const ZONE = '(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])';

/** The name of what is counted. */
export const METRIC = { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,64}$' } as const satisfies Schema;
/** The name of what it is counted for. */
export const ENTITY = {
  type: 'string',
  minLength: 1,
  maxLength: 512,
  pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]*$',
} as const satisfies Schema;

export const EVENT = {
  type: 'object',
  required: ['metric', 'entity'],
  additionalProperties: false,
  properties: {
    // At most 128 characters are at most 256 UTF-16 units, the limit of a partition key.
    id: {
      type: 'string',
      minLength: 1,
      maxLength: 128,
      description: 'Events with the same metric, entity and id count once within the dedup window.',
    },
    metric: METRIC,
    entity: ENTITY,
    // Two types in one, not anyOf: the validator's message then says what is wrong instead of "matched none of 2 schemas".
    at: {
      type: ['integer', 'string'],
      // Smaller numbers are usually seconds, larger ones microseconds; write a time before 2000 as ISO 8601.
      minimum: Date.UTC(2000),
      maximum: Date.UTC(2099, 11, 31, 23, 59, 59, 999),
      description:
        'Epoch milliseconds in 2000 to 2099, or an ISO 8601 date and time with a zone, in 1970 to 2099. Default: the time of arrival.',
      pattern: `^${NO_OFFSET_AT_THE_ENDS}${DATE}T${TIME}${ZONE}$`,
    },
    n: { type: 'integer', minimum: -1_000_000_000, maximum: 1_000_000_000 },
  },
} as const satisfies Schema;

export const EVENTS = {
  type: 'object',
  required: ['events'],
  additionalProperties: false,
  properties: {
    batch: {
      type: 'string',
      minLength: 1,
      maxLength: 128,
      pattern: ENTITY.pattern,
      description:
        'Makes all events one record, accepted or refused as a whole. Sent again under the same key within the dedup window, they change nothing. Choose a new key, such as a UUID, for every batch.',
    },
    events: { type: 'array', minItems: 1, maxItems: EVENTS_MAX, items: EVENT },
  },
} as const satisfies Schema;

/** 202: all events are in the stream. */
export const ACCEPTED = exactly({
  accepted: {
    type: 'integer',
    minimum: 1,
    description: 'The number of records stored: of events, or 1 for a batch.',
  },
});

/** 503 when only some events are in the stream. */
export const PARTLY_ACCEPTED = exactly({
  message: { type: 'string' },
  accepted: NUMBER_OF,
  failed: listOf(
    exactly({
      index: {
        type: 'integer',
        minimum: 0,
        description: 'The place of the event in the request, from 0; 0 for a batch.',
      },
      code: {
        type: 'string',
        description: "Kinesis' code: ProvisionedThroughputExceededException: surely not stored.",
      },
    }),
  ),
});
