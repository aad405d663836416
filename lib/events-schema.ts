// What a request to POST /v1/events must look like, as the front door's model checks it.
import { type JsonSchema, JsonSchemaType, JsonSchemaVersion } from 'aws-cdk-lib/aws-apigateway';

/** Most events in one request: PutRecords takes no more. */
export const EVENTS_MAX = 500;

// The patterns have no backslash but in \uXXXX: the validator's message quotes them, and it goes into JSON as it is.
const DATE = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?';
const ZONE = '(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])';

const event: JsonSchema = {
  type: JsonSchemaType.OBJECT,
  required: ['metric', 'entity'],
  additionalProperties: false,
  properties: {
    // At most 128 characters are at most the 256 UTF-16 units a partition key may have.
    id: { type: JsonSchemaType.STRING, minLength: 1, maxLength: 128 },
    metric: { type: JsonSchemaType.STRING, pattern: '^[A-Za-z0-9_.-]{1,64}$' },
    entity: {
      type: JsonSchemaType.STRING,
      minLength: 1,
      maxLength: 512,
      pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]*$',
    },
    // Two types in one, not anyOf: the validator then says what is wrong instead of "matched none of 2 schemas".
    at: {
      type: [JsonSchemaType.INTEGER, JsonSchemaType.STRING],
      minimum: 0,
      maximum: Date.UTC(9999, 11, 31, 23, 59, 59, 999),
      pattern: `^${DATE}T${TIME}${ZONE}$`,
    },
    n: { type: JsonSchemaType.INTEGER, minimum: -1_000_000_000, maximum: 1_000_000_000 },
  },
};

/** The schema of the request's body. */
export const EVENTS_SCHEMA: JsonSchema = {
  schema: JsonSchemaVersion.DRAFT4,
  title: 'Events',
  type: JsonSchemaType.OBJECT,
  required: ['events'],
  additionalProperties: false,
  properties: {
    events: { type: JsonSchemaType.ARRAY, minItems: 1, maxItems: EVENTS_MAX, items: event },
  },
};

/** The same in one sentence, for the client whose request was refused. No quotes: it stands inside a JSON string. */
export const EVENTS_RULES =
  'Send an object with events, an array of 1 to 500 objects with ' +
  'metric (1 to 64 of A-Z a-z 0-9 _ . -), entity (1 to 512 characters, no control characters) and, if you like, ' +
  'id (1 to 128 characters), at (epoch milliseconds, or ISO 8601 date and time with zone) and ' +
  'n (an integer from -1000000000 to 1000000000), and nothing else.';
