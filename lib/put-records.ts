// POST /v1/events: the integration that turns a request into one PutRecords call, and its result into an accurate answer.
import {
  AwsIntegration,
  type IntegrationResponse,
  type MethodResponse,
  PassthroughBehavior,
} from 'aws-cdk-lib/aws-apigateway';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import { corsHeaders } from './gateway-responses.ts';
import {
  ECHO_ORIGIN,
  PUT_RECORDS_ANSWERED,
  PUT_RECORDS_FAILED,
  PUT_RECORDS_REFUSED,
  PUT_RECORDS_TOO_LARGE,
  putRecordsRequest,
  RETRY_AFTER_SECONDS,
} from './mapping-templates.ts';

interface Answer {
  /** The pattern of Kinesis' status codes it applies to; without one, all codes that match no other. */
  readonly selectionPattern?: string;
  /** The client's status code unless the template overrides it. */
  readonly statusCode: string;
  readonly template: string;
  readonly retryAfter?: boolean;
}

// One per status code, which is API Gateway's key.
const ANSWERS: readonly Answer[] = [
  { selectionPattern: '200', statusCode: '202', template: PUT_RECORDS_ANSWERED },
  { selectionPattern: '413', statusCode: '413', template: PUT_RECORDS_TOO_LARGE },
  { selectionPattern: '5[0-9]{2}', statusCode: '503', template: PUT_RECORDS_FAILED, retryAfter: true },
  // Kinesis' other 4xx, and anything unforeseen: never a success.
  { statusCode: '500', template: PUT_RECORDS_REFUSED },
];

const CONTENT_TYPES = ['application/json', 'text/plain', 'text/plain;charset=UTF-8'];

/** Every status code of the method; the templates choose 429, and 503 for partial success. */
const STATUS_CODES = ['202', '413', '429', '500', '503'];

/** The integration: one record per event or batch. All accepted content types share the template. */
export function putRecordsIntegration(stream: Stream, role: IRole, allowOrigin: string): AwsIntegration {
  const template = putRecordsRequest(stream.streamName);
  return new AwsIntegration({
    service: 'kinesis',
    action: 'PutRecords',
    integrationHttpMethod: 'POST',
    options: {
      credentialsRole: role,
      passthroughBehavior: PassthroughBehavior.NEVER,
      // Kinesis accepts only this content type, whatever the client's was.
      requestParameters: { 'integration.request.header.Content-Type': "'application/x-amz-json-1.1'" },
      // text/plain needs no preflight, and navigator.sendBeacon sends it. Browsers write the third form, and AWS does not document
      // whether parameters of a content type matter. A request without a type is treated as application/json.
      requestTemplates: Object.fromEntries(CONTENT_TYPES.map((type) => [type, template])),
      integrationResponses: ANSWERS.map((answer) => integrationResponse(answer, allowOrigin)),
    },
  });
}

/** The method's response declarations: an undeclared header cannot be set. */
export function putRecordsMethodResponses(): MethodResponse[] {
  const headers = responseHeaders({ ...credentialsHeaders('*'), 'Retry-After': '' });
  return STATUS_CODES.map((statusCode) => ({ statusCode, responseParameters: declared(headers) }));
}

function integrationResponse(answer: Answer, allowOrigin: string): IntegrationResponse {
  const headers = {
    ...credentialsHeaders(allowOrigin),
    ...(answer.retryAfter === true ? { 'Retry-After': `'${RETRY_AFTER_SECONDS}'` } : {}),
  };
  return {
    ...(answer.selectionPattern === undefined ? {} : { selectionPattern: answer.selectionPattern }),
    statusCode: answer.statusCode,
    responseParameters: responseHeaders(headers),
    responseTemplates: { 'application/json': `${echoOrigin(allowOrigin)}${answer.template}` },
  };
}

/** The CORS headers of answers to requests with credentials, completed by `echoOrigin`'s template. */
export function credentialsHeaders(allowOrigin: string): Record<string, string> {
  return {
    ...corsHeaders(allowOrigin),
    'Access-Control-Allow-Credentials': "'true'",
    Vary: "'Origin'",
  };
}

/** The start of an answer's template: replaces `*` with the request's origin. */
export function echoOrigin(allowOrigin: string): string {
  return allowOrigin === '*' ? ECHO_ORIGIN : '';
}

/** An answer's headers as the parameters of an integration's response. */
export function responseHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [`method.response.header.${name}`, value]),
  );
}

/** Their declaration in a method's response. */
export function declared(headers: Readonly<Record<string, string>>): Record<string, true> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, true]));
}
