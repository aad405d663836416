// What the bodies of requests must look like, as the front door's models check them: the API's own schemas.
import { type JsonSchema, JsonSchemaVersion } from 'aws-cdk-lib/aws-apigateway';
import { COUNTS_BATCH } from '../api/counts.ts';
import { EVENTS } from '../api/events.ts';
import type { Schema } from '../api/schema.ts';

/** The schema of the body of `POST /v1/events`. */
export const EVENTS_SCHEMA = draft4('Events', EVENTS);
/** The schema of the body of `POST /v1/counts:batch`. */
export const COUNTS_BATCH_SCHEMA = draft4('CountsBatch', COUNTS_BATCH);

/**
 * API Gateway knows draft 4 only; what the schemas use means the same in draft 4 and in 2020-12, which a test keeps so.
 */
function draft4(title: string, schema: Schema): JsonSchema {
  // The names of types are the values of CDK's enum.
  return {
    schema: JsonSchemaVersion.DRAFT4,
    title,
    ...(schema as unknown as Omit<JsonSchema, 'schema' | 'title'>),
  };
}

/** The events' rules in one sentence. No quotes: it stands inside a JSON string. */
const EVENTS_RULES =
  'Send an object with events, an array of 1 to 500 objects with ' +
  'metric (1 to 64 of A-Z a-z 0-9 _ . -), entity (1 to 512 characters, no control characters) and, if you like, ' +
  'id (1 to 128 characters), at (whole epoch milliseconds of 2000 to 2099, so neither seconds, which have 10 digits, nor microseconds, ' +
  'which have 16; or ISO 8601 date and time with a zone, such as 2026-11-22T05:00:00Z) and ' +
  'n (an integer from -1000000000 to 1000000000), and beside events, if you like, batch (a key of 1 to 128 characters, no control characters); nothing else.';

/** The rules, for the client whose body was refused: API Gateway has one such answer for all routes. */
export const BODY_RULES = `${EVENTS_RULES} To counts:batch send an object with queries, an array of 1 to 100 objects with metric, entity and, if you like, the parameters of a single question, and nothing else.`;
