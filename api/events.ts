// POST /v1/events and /v1/events:packed: what a request must look like, and what is answered.
import { exactly, listOf, NUMBER_OF, type Schema } from './schema.ts';

/** Most events in one request: PutRecords takes no more. */
export const EVENTS_MAX = 500;

// The patterns have no backslash but in \uXXXX: the validator's message quotes them, and it goes into JSON as it is.
const DATE = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
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

/** One event. */
export const EVENT = {
  type: 'object',
  required: ['metric', 'entity'],
  additionalProperties: false,
  properties: {
    // At most 128 characters are at most the 256 UTF-16 units a partition key may have.
    id: { type: 'string', minLength: 1, maxLength: 128 },
    metric: METRIC,
    entity: ENTITY,
    // Two types in one, not anyOf: the validator then says what is wrong instead of "matched none of 2 schemas".
    at: {
      type: ['integer', 'string'],
      minimum: 0,
      maximum: Date.UTC(9999, 11, 31, 23, 59, 59, 999),
      pattern: `^${DATE}T${TIME}${ZONE}$`,
    },
    n: { type: 'integer', minimum: -1_000_000_000, maximum: 1_000_000_000 },
  },
} as const satisfies Schema;

/** The request's body. */
export const EVENTS = {
  type: 'object',
  required: ['events'],
  additionalProperties: false,
  properties: {
    events: { type: 'array', minItems: 1, maxItems: EVENTS_MAX, items: EVENT },
  },
} as const satisfies Schema;

/** Most packs in one request, each a record: PutRecords takes no more. */
export const PACKS_MAX = 500;
/**
 * Most events in one pack. The largest event there can be has 4,100 bytes (640 characters, each six at most as JSON escapes
 * them, and the rest), so that many are always within a record's mebibyte.
 */
export const PACK_EVENTS_MAX = 250;

/** One event of a pack: it has an id, which says what bucket it belongs to. */
export const PACKED_EVENT = { ...EVENT, required: ['id', 'metric', 'entity'] } as const satisfies Schema;

/** The name of a bucket. A stage's model knows how many bits it has. */
export const BUCKET = {
  type: 'string',
  pattern: '^[01]{4,10}$',
  description:
    "The first bits of the MD5 of the UTF-8 of each event's id, as 0110: as many as tell packBuckets buckets apart, 4 unless configured otherwise.",
} as const satisfies Schema;

/** The request's body with several events in a record: all events of a pack are of one bucket. */
export const PACKS = {
  type: 'object',
  required: ['packs'],
  additionalProperties: false,
  properties: {
    packs: {
      type: 'array',
      minItems: 1,
      maxItems: PACKS_MAX,
      items: {
        type: 'object',
        required: ['bucket', 'events'],
        additionalProperties: false,
        properties: {
          bucket: BUCKET,
          events: { type: 'array', minItems: 1, maxItems: PACK_EVENTS_MAX, items: PACKED_EVENT },
        },
      },
    },
  },
} as const satisfies Schema;

/** 202: all of them are in the stream. */
export const ACCEPTED = exactly({
  accepted: { type: 'integer', minimum: 1, description: 'The number of events, or of packs.' },
});

/** 400: the body breaks a rule. The front door has one such refusal for all routes; it says how to pack. */
export const BODY_REFUSED = exactly(
  { message: { type: 'string' } },
  {
    packBuckets: {
      type: 'integer',
      description: 'How many buckets there are for packs here: a power of two.',
    },
  },
);

/** 503 when some are in the stream and some are not. */
export const PARTLY_ACCEPTED = exactly({
  message: { type: 'string' },
  accepted: NUMBER_OF,
  failed: listOf(
    exactly({
      index: {
        type: 'integer',
        minimum: 0,
        description: 'The place of the event, or of the pack, in the request, from 0.',
      },
      code: {
        type: 'string',
        description: "Kinesis' code: ProvisionedThroughputExceededException: surely not stored.",
      },
    }),
  ),
});
