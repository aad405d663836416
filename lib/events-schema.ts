// What the bodies of requests must look like, as the front door's models check them: the API's own schemas.
import { type JsonSchema, JsonSchemaVersion } from 'aws-cdk-lib/aws-apigateway';
import { COUNTS_BATCH } from '../api/counts.ts';
import { BUCKET, EVENTS, PACKS } from '../api/events.ts';
import type { Schema } from '../api/schema.ts';

/** The schema of the body of `POST /v1/events`. */
export const EVENTS_SCHEMA = draft4('Events', EVENTS);
/** The schema of the body of `POST /v1/events:packed`. @param buckets how many there are in the stage */
export function packsSchema(buckets: number): JsonSchema {
  const { packs } = PACKS.properties;
  const bits = Math.log2(buckets);
  // For Java, $ stands before a line end, too: such a bucket has no hash key, and Kinesis' refusal of it would look like our fault.
  const bucket = { ...BUCKET, pattern: `^[01]{${bits}}$`, maxLength: bits };
  const items = { ...packs.items, properties: { ...packs.items.properties, bucket } };
  return draft4('Packs', { ...PACKS, properties: { packs: { ...packs, items } } });
}
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
  'id (1 to 128 characters), at (epoch milliseconds, or ISO 8601 date and time with zone) and ' +
  'n (an integer from -1000000000 to 1000000000), and nothing else.';

const PACKS_RULES =
  'To events:packed send an object with packs, an array of 1 to 500 objects with ' +
  'events (1 to 250 of them, each with an id) and bucket: as text of 0 and 1, the first bits of the MD5 of every one of these ids, ' +
  'as many bits as tell packBuckets buckets apart, and nothing else.';

/** The rules, for the client whose body was refused: API Gateway has one such answer for all routes. */
export const BODY_RULES = `${EVENTS_RULES} ${PACKS_RULES} To counts:batch send an object with queries, an array of 1 to 100 objects with metric, entity and, if you like, the parameters of a single question, and nothing else.`;
