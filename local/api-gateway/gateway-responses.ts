// API Gateway's own answers, shaped by the template's gateway responses.
import { asObject, asText } from '../json.ts';
import type { Template } from '../template/template.ts';
import { staticHeaders } from './mapping.ts';
import type { GatewayContext } from './template-context.ts';

/** A response before it is sent. */
export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | Buffer;
}

const types = {
  API_CONFIGURATION_ERROR: { status: 500, message: 'Internal server error' },
  BAD_REQUEST_BODY: { status: 400, message: 'Invalid request body' },
  DEFAULT_5XX: { status: 502, message: 'Internal server error' },
  INTEGRATION_FAILURE: { status: 504, message: 'Internal server error' },
  INTEGRATION_TIMEOUT: { status: 504, message: 'Endpoint request timed out' },
  INVALID_API_KEY: { status: 403, message: 'Forbidden' },
  MISSING_AUTHENTICATION_TOKEN: { status: 403, message: 'Missing Authentication Token' },
  REQUEST_TOO_LARGE: { status: 413, message: 'Request Too Long' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: 'Unsupported Media Type' },
} as const;

/** A kind of answer that API Gateway gives itself. */
export type GatewayResponseType = keyof typeof types;

/** Reads the template's gateway responses. Returns a function that builds such an answer. */
export function readGatewayResponses(template: Template) {
  const declared = new Map(
    template
      .ofType('AWS::ApiGateway::GatewayResponse')
      .map(({ properties }) => [asText(properties['ResponseType']) ?? '', properties]),
  );
  /** @param validationError the text of `$context.error.validationErrorString` */
  return (type: GatewayResponseType, context: GatewayContext, validationError = ''): GatewayAnswer => {
    const { status, message } = types[type];
    const shape = declared.get(type) ?? declared.get(status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX') ?? {};
    const errorContext = {
      ...context,
      error: {
        message,
        messageString: JSON.stringify(message),
        responseType: type,
        // Escaped, without quotes: it is part of a JSON string, and may contain client input.
        validationErrorString: JSON.stringify(validationError).slice(1, -1),
      },
    };
    const [[contentType, body] = ['application/json', '{"message":$context.error.messageString}']] =
      Object.entries(asObject(shape['ResponseTemplates']));
    const headers = {
      'content-type': contentType,
      'x-amzn-errortype': errorType(type),
      ...staticHeaders(shape['ResponseParameters'], 'gatewayresponse.header.'),
    };
    return {
      status: Number(asText(shape['StatusCode']) ?? status),
      headers,
      body: substitute(asText(body) ?? '', errorContext),
    };
  };
}

/** Gateway responses do not support Velocity: only names are replaced. */
function substitute(text: string, context: Record<string, unknown>): string {
  return text.replace(/\$context((?:\.\w+)+)/g, (_, path: string) => {
    let value: unknown = context;
    for (const step of path.slice(1).split('.'))
      value = (value as Record<string, unknown> | undefined)?.[step];
    return String(value ?? '');
  });
}

/** `BAD_REQUEST_BODY` → `BadRequestBodyException`. */
function errorType(type: string): string {
  const name = type.toLowerCase().replace(/(?:^|_)(\w)/g, (_, initial: string) => initial.toUpperCase());
  return `${name}Exception`;
}
