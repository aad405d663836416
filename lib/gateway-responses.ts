// The front door's answers when it refuses a request itself.
import { type GatewayResponseOptions, ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { Configuration } from './configuration.ts';
import { corsHeaders } from './front-door-answers.ts';
import { RETRY_AFTER_SECONDS } from './mapping-templates.ts';

/** Retry-After in seconds for clients over their daily quota. */
const QUOTA_RETRY_AFTER_SECONDS = 3600;

interface Refusal extends Pick<GatewayResponseOptions, 'type' | 'statusCode'> {
  /** JSON text, or a variable that becomes it. */
  readonly message: string;
  readonly retryAfter?: number;
}

// Gateway response templates are not Velocity: only names that start with `$context` and a few more are replaced.
// `messageString` is quoted; `validationErrorString` is escaped but not quoted.
const RESPONSES: Readonly<Record<string, Refusal>> = {
  BadRequestBody: {
    type: ResponseType.BAD_REQUEST_BODY,
    statusCode: '400',
    message:
      '"The request body is not valid: $context.error.validationErrorString. Times are ISO 8601 with a zone, or epoch milliseconds (13 digits; 10 are seconds); GET /v1/openapi.json has all rules."',
  },
  UnsupportedMediaType: {
    type: ResponseType.UNSUPPORTED_MEDIA_TYPE,
    statusCode: '415',
    message: '"Send JSON as application/json or text/plain."',
  },
  RequestTooLarge: {
    type: ResponseType.REQUEST_TOO_LARGE,
    statusCode: '413',
    message: '"The request is too large: send less at once."',
  },
  Throttled: {
    type: ResponseType.THROTTLED,
    statusCode: '429',
    message: '"Too many requests at the moment: send the whole request again."',
    retryAfter: RETRY_AFTER_SECONDS,
  },
  QuotaExceeded: {
    type: ResponseType.QUOTA_EXCEEDED,
    statusCode: '429',
    message: '"The quota of this API key is used up."',
    retryAfter: QUOTA_RETRY_AFTER_SECONDS,
  },
  // Unknown routes have their own answers (unknown-routes.ts), so this means a missing signature.
  MissingSignature: {
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    statusCode: '403',
    message: '"Sign the request with AWS Signature Version 4 for execute-api."',
  },
  // Without a status code, each keeps its own.
  Default4xx: { type: ResponseType.DEFAULT_4XX, message: '$context.error.messageString' },
  Default5xx: { type: ResponseType.DEFAULT_5XX, message: '$context.error.messageString' },
};

/** Adds the refusals to the API: JSON, readable by pages of the allowed origin, with Retry-After where it applies. */
export function addGatewayResponses(api: RestApi, { allowOrigin }: Configuration): void {
  for (const [id, { message, retryAfter, ...response }] of Object.entries(RESPONSES)) {
    api.addGatewayResponse(id, {
      ...response,
      templates: { 'application/json': `{"message":${message}}` },
      responseHeaders: {
        ...corsHeaders(allowOrigin),
        ...(retryAfter !== undefined && { 'Retry-After': `'${retryAfter}'` }),
      },
    });
  }
}
