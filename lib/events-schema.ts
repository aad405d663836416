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
