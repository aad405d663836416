// POST /v1/events: the integration that turns a request into one PutRecords call, and its result into an accurate answer.
import { AwsIntegration, PassthroughBehavior } from 'aws-cdk-lib/aws-apigateway';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import { integrationResponse, methodResponses } from './front-door-answers.ts';
import { PUT_RECORDS_ANSWERS, putRecordsRequest } from './mapping-templates.ts';

const CONTENT_TYPES = ['application/json', 'text/plain', 'text/plain;charset=UTF-8'];

/** Every status code of the method; the templates choose 429, and 503 for partial success. */
const STATUS_CODES = ['202', '413', '429', '500', '503'];

/** The integration, one record per event or batch, and the method's responses. All accepted content types share the template. */
export function putRecords(stream: Stream, credentialsRole: IRole, allowOrigin: string) {
  const template = putRecordsRequest(stream.streamName);
  const integrationResponses = PUT_RECORDS_ANSWERS.map((answer) => integrationResponse(allowOrigin, answer));
  const integration = new AwsIntegration({
    service: 'kinesis',
    action: 'PutRecords',
    integrationHttpMethod: 'POST',
    options: {
      credentialsRole,
      passthroughBehavior: PassthroughBehavior.NEVER,
      // Kinesis accepts only this content type, whatever the client's was.
      requestParameters: { 'integration.request.header.Content-Type': "'application/x-amz-json-1.1'" },
      // text/plain needs no preflight, and navigator.sendBeacon sends it. Browsers write the third form, and AWS does not document
      // whether parameters of a content type matter. A request without a type is treated as application/json.
      requestTemplates: Object.fromEntries(CONTENT_TYPES.map((type) => [type, template])),
      integrationResponses,
    },
  });
  return { integration, methodResponses: methodResponses(integrationResponses, STATUS_CODES) };
}
