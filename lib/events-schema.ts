// Schemas of request bodies for the front door's models, derived from the API's schemas.
import { type JsonSchema, JsonSchemaVersion } from 'aws-cdk-lib/aws-apigateway';
import { COUNTS_BATCH } from '../api/counts.ts';
import { EVENTS } from '../api/events.ts';
import type { Schema } from '../api/schema.ts';

/** The schema of the body of `POST /v1/events`. */
export const EVENTS_SCHEMA = draft4('Events', EVENTS);
/** The schema of the body of `POST /v1/counts:batch`. */
export const COUNTS_BATCH_SCHEMA = draft4('CountsBatch', COUNTS_BATCH);

/**
 * API Gateway supports only draft 4. The keywords in use mean the same in draft 4 and in 2020-12; a test ensures it.
 */
function draft4(title: string, schema: Schema): JsonSchema {
  // The types' names are the values of CDK's enum.
  return {
    schema: JsonSchemaVersion.DRAFT4,
    title,
    ...(schema as unknown as Omit<JsonSchema, 'schema' | 'title'>),
  };
}
