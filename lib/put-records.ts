// POST /v1/events and /v1/events:packed: integrations that make one PutRecords of a request, and an honest answer of its result.
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
  PUT_PACKS_REFUSED,
  PUT_RECORDS_ANSWERED,
  PUT_RECORDS_FAILED,
  PUT_RECORDS_REFUSED,
  PUT_RECORDS_TOO_LARGE,
  putPacksRequest,
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
const answersWith = (refused: string): readonly Answer[] => [
  { selectionPattern: '200', statusCode: '202', template: PUT_RECORDS_ANSWERED },
  { selectionPattern: '413', statusCode: '413', template: PUT_RECORDS_TOO_LARGE },
  { selectionPattern: '5[0-9]{2}', statusCode: '503', template: PUT_RECORDS_FAILED, retryAfter: true },
  // Kinesis' other 4xx, and whatever nobody foresaw: what was not foreseen is no success.
  { statusCode: '500', template: refused },
];

/** Every status code the method may answer; the templates choose 429, and 503 for what was partly taken. */
const STATUS_CODES = ['202', '413', '429', '500', '503'];

/** Who may put what into which stream, and whose pages may read the answer. */
export interface PutRecordsProps {
  readonly stream: Stream;
  readonly role: IRole;
  readonly allowOrigin: string;
}

/** The integration that makes a record of each event. */
export function putRecordsIntegration(props: PutRecordsProps): AwsIntegration {
  return integration(props, putRecordsRequest(props.stream.streamName), PUT_RECORDS_REFUSED);
}

/** The integration that makes a record of each pack. */
export function putPacksIntegration(props: PutRecordsProps, buckets: number): AwsIntegration {
  return integration(props, putPacksRequest(props.stream.streamName, buckets), PUT_PACKS_REFUSED);
}

/** The same template for both content types, and no other content type let through. */
function integration(
  { role, allowOrigin }: PutRecordsProps,
  template: string,
  refused: string,
): AwsIntegration {
  return new AwsIntegration({
    service: 'kinesis',
    action: 'PutRecords',
    integrationHttpMethod: 'POST',
    options: {
      credentialsRole: role,
      passthroughBehavior: PassthroughBehavior.NEVER,
      // Kinesis takes this content type only, whatever the client's was.
      requestParameters: { 'integration.request.header.Content-Type': "'application/x-amz-json-1.1'" },
      // A page sends text/plain when it must not ask first: navigator.sendBeacon on leaving it. Parameters of the
      // content type (charset) play no part in the choice; a request without one counts as application/json.
      requestTemplates: { 'application/json': template, 'text/plain': template },
      integrationResponses: answersWith(refused).map((answer) => integrationResponse(answer, allowOrigin)),
    },
  });
}

/** What the method declares of its answers: a header that is not declared can not be set. */
export function putRecordsMethodResponses(): MethodResponse[] {
  return STATUS_CODES.map((statusCode) => ({
    statusCode,
    responseParameters: {
      ...Object.fromEntries(Object.keys(corsHeaders('*')).map((name) => [responseHeader(name), true])),
      [responseHeader('Retry-After')]: true,
    },
  }));
}

function integrationResponse(answer: Answer, allowOrigin: string): IntegrationResponse {
  const headers = {
    ...corsHeaders(allowOrigin),
    ...(answer.retryAfter === true ? { 'Retry-After': `'${RETRY_AFTER_SECONDS}'` } : {}),
  };
  return {
    ...(answer.selectionPattern === undefined ? {} : { selectionPattern: answer.selectionPattern }),
    statusCode: answer.statusCode,
    responseParameters: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [responseHeader(name), value]),
    ),
    responseTemplates: { 'application/json': answer.template },
  };
}

function responseHeader(name: string): string {
  return `method.response.header.${name}`;
}
