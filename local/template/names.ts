// Names and ARNs of resources on the local stack, derived from their logical ids.
import { LocalStackError } from '../errors.ts';
import { account, region } from '../identity.ts';
import { asText } from '../json.ts';
import type { Resource, Template } from './template.ts';

/** Id of the root of the REST API's resource tree. */
export const rootResourceId = '/';

const here = `${region}:${account}`;

/** The property that names a resource, and what its ARN has before that name, by type. */
const types: Readonly<Record<string, { readonly named: string; readonly arn?: string }>> = {
  'AWS::ApiGateway::Stage': { named: 'StageName' },
  'AWS::DynamoDB::Table': { named: 'TableName', arn: `arn:aws:dynamodb:${here}:table/` },
  'AWS::Events::Rule': { named: 'Name', arn: `arn:aws:events:${here}:rule/` },
  'AWS::IAM::Role': { named: 'RoleName', arn: `arn:aws:iam::${account}:role/` },
  'AWS::Kinesis::Stream': { named: 'Name', arn: `arn:aws:kinesis:${here}:stream/` },
  'AWS::Lambda::Function': { named: 'FunctionName', arn: `arn:aws:lambda:${here}:function:` },
  'AWS::S3::Bucket': { named: 'BucketName', arn: 'arn:aws:s3:::' },
  'AWS::SQS::Queue': { named: 'QueueName', arn: `arn:aws:sqs:${here}:` },
  'AWS::SSM::Parameter': { named: 'Name' },
};

/** The resource's physical name on the local stack. */
export function nameOf({ type, logicalId, properties }: Resource): string {
  const name = asText(properties[types[type]?.named ?? '']) ?? logicalId;
  // S3 allows only lower case.
  return type === 'AWS::S3::Bucket' ? name.toLowerCase() : name;
}

/** The ARN of a resource. Types without one in the table appear only in policies and alarms. */
export function arnOf({ type, name }: Resource): string {
  return `${types[type]?.arn ?? `arn:aws:local:${here}:`}${name}`;
}

/** The value of the resource's `Fn::GetAtt`. */
export function attributeOf(resource: Resource, attribute: string): string {
  if (attribute === 'Arn') return resource.arn;
  if (attribute === 'RootResourceId') return rootResourceId;
  if (attribute === 'QueueName') return resource.name;
  if (attribute === 'QueueUrl') return resource.ref;
  throw new LocalStackError(
    `The template reads ${attribute} of ${resource.logicalId} (${resource.type}), which the local stack does not know: add it to local/template/names.ts.`,
  );
}

/** The queue of rollup messages: the one with a dead-letter queue. */
export function rollupQueueIn(template: Template): Resource {
  const queues = template.ofType('AWS::SQS::Queue');
  const queue = queues.find(({ properties }) => properties['RedrivePolicy'] !== undefined);
  if (queue === undefined) throw new LocalStackError('The template has no queue with a redrive policy.');
  return queue;
}

/** The noun of a function by its name or ARN, such as `writer` for `lambdas/writer/handler.ts`; undefined if it is not in the template. */
export function nounOf(template: Template, function_: unknown): string | undefined {
  const found = template
    .ofType('AWS::Lambda::Function')
    .find(({ name, arn }) => name === function_ || arn === function_);
  return /^lambdas\/([\w-]+)\//.exec(asText(found?.metadata['tally:entry']) ?? '')?.[1];
}
