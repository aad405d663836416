// POST /v1/events: the integration that makes one PutRecords of a request, and an honest answer of its result.
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
  /** Which of Kinesis' status codes it is for; without a pattern, for all that match no other. */
  readonly selectionPattern?: string;
  /** What the client gets unless the template overrides it. */
  readonly statusCode: string;
  readonly template: string;
  readonly retryAfter?: boolean;
}

// One for each status code: API Gateway keeps them by it.
const ANSWERS: readonly Answer[] = [
  { selectionPattern: '200', statusCode: '202', template: PUT_RECORDS_ANSWERED },
  { selectionPattern: '413', statusCode: '413', template: PUT_RECORDS_TOO_LARGE },
  { selectionPattern: '5[0-9]{2}', statusCode: '503', template: PUT_RECORDS_FAILED, retryAfter: true },
  // Kinesis' other 4xx, and anything unforeseen: never a success.
  { statusCode: '500', template: PUT_RECORDS_REFUSED },
];

const CONTENT_TYPES = ['application/json', 'text/plain', 'text/plain;charset=UTF-8'];

/** Every status code the method may answer; the templates choose 429, and 503 for what was partly taken. */
const STATUS_CODES = ['202', '413', '429', '500', '503'];

/** Who may put what into which stream, and whose pages may read the answer. */
export interface PutRecordsProps {
  readonly stream: Stream;
  readonly role: IRole;
  readonly allowOrigin: string;
}

/** The integration: a record of each event, or of a batch. The same template for all content types that are let through. */
export function putRecordsIntegration({ stream, role, allowOrigin }: PutRecordsProps): AwsIntegration {
  const template = putRecordsRequest(stream.streamName);
  return new AwsIntegration({
    service: 'kinesis',
    action: 'PutRecords',
    integrationHttpMethod: 'POST',
    options: {
      credentialsRole: role,
      passthroughBehavior: PassthroughBehavior.NEVER,
      // Kinesis takes this content type only, whatever the client's was.
      requestParameters: { 'integration.request.header.Content-Type': "'application/x-amz-json-1.1'" },
      // text/plain needs no preflight: navigator.sendBeacon sends it. Browsers write the third form, and AWS does not document
      // whether parameters of a content type matter. A request without a type counts as application/json.
      requestTemplates: Object.fromEntries(CONTENT_TYPES.map((type) => [type, template])),
      integrationResponses: ANSWERS.map((answer) => integrationResponse(answer, allowOrigin)),
    },
  });
}

/** What the method declares of its answers: a header that is not declared cannot be set. */
export function putRecordsMethodResponses(): MethodResponse[] {
  return STATUS_CODES.map((statusCode) => ({
    statusCode,
    responseParameters: {
      ...Object.fromEntries(Object.keys(credentialsHeaders('*')).map((name) => [responseHeader(name), true])),
      [responseHeader('Retry-After')]: true,
    },
  }));
}

function integrationResponse(answer: Answer, allowOrigin: string): IntegrationResponse {
  const headers = {
    ...credentialsHeaders(allowOrigin),
    ...(answer.retryAfter === true ? { 'Retry-After': `'${RETRY_AFTER_SECONDS}'` } : {}),
  };
  return {
    ...(answer.selectionPattern === undefined ? {} : { selectionPattern: answer.selectionPattern }),
    statusCode: answer.statusCode,
    responseParameters: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [responseHeader(name), value]),
    ),
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

/** The start of an answer's template: it replaces `*` by the origin of the request. */
export function echoOrigin(allowOrigin: string): string {
  return allowOrigin === '*' ? ECHO_ORIGIN : '';
}

function responseHeader(name: string): string {
  return `method.response.header.${name}`;
}
