// What a request to POST /v1/events must look like, as the front door's model checks it: the API's own schema.
import { type JsonSchema, JsonSchemaVersion } from 'aws-cdk-lib/aws-apigateway';
import { EVENTS } from '../api/events.ts';

/**
 * The schema of the request's body. API Gateway knows draft 4 only; what the events' schema uses means the same in
 * draft 4 and in 2020-12, which a test keeps so.
 */
export const EVENTS_SCHEMA: JsonSchema = {
  schema: JsonSchemaVersion.DRAFT4,
  title: 'Events',
  // The names of types are the values of CDK's enum.
  ...(EVENTS as unknown as Omit<JsonSchema, 'schema' | 'title'>),
};

/** The same in one sentence, for the client whose request was refused. No quotes: it stands inside a JSON string. */
export const EVENTS_RULES =
  'Send an object with events, an array of 1 to 500 objects with ' +
  'metric (1 to 64 of A-Z a-z 0-9 _ . -), entity (1 to 512 characters, no control characters) and, if you like, ' +
  'id (1 to 128 characters), at (epoch milliseconds, or ISO 8601 date and time with zone) and ' +
  'n (an integer from -1000000000 to 1000000000), and nothing else.';
