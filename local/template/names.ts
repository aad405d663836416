// Names and ARNs that resources have on the local stack: made from their logical ids.
import { LocalStackError } from '../errors.ts';
import { account, region } from '../identity.ts';
import { asText } from '../json.ts';
import type { NamingContext, Resource } from './template.ts';

interface Naming {
  name(resource: Resource): string;
  ref?(resource: Resource, naming: NamingContext): string;
  attributes: Record<string, (resource: Resource, naming: NamingContext) => string>;
}

const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
const logicalId = (resource: Resource) => resource.logicalId;
const named = (property: string) => (resource: Resource) =>
  asText(resource.properties[property]) ?? resource.logicalId;

const namings: Record<string, Naming> = {
  'AWS::Kinesis::Stream': {
    name: named('Name'),
    attributes: { Arn: (resource) => arn('kinesis', `stream/${nameOf(resource)}`) },
  },
  'AWS::DynamoDB::Table': {
    name: named('TableName'),
    attributes: { Arn: (resource) => arn('dynamodb', `table/${nameOf(resource)}`) },
  },
  'AWS::SQS::Queue': {
    name: named('QueueName'),
    ref: queueUrl,
    attributes: {
      Arn: (resource) => arn('sqs', nameOf(resource)),
      QueueName: nameOf,
      QueueUrl: queueUrl,
    },
  },
  'AWS::S3::Bucket': {
    // S3 takes lower case only.
    name: (resource) => named('BucketName')(resource).toLowerCase(),
    attributes: {
      Arn: (resource) => `arn:aws:s3:::${nameOf(resource)}`,
      DomainName: (resource) => `${nameOf(resource)}.s3.amazonaws.com`,
      RegionalDomainName: (resource) => `${nameOf(resource)}.s3.${region}.amazonaws.com`,
    },
  },
  'AWS::Lambda::Function': {
    name: named('FunctionName'),
    attributes: { Arn: (resource) => arn('lambda', `function:${nameOf(resource)}`) },
  },
  'AWS::SSM::Parameter': {
    name: named('Name'),
    attributes: { Value: (resource) => asText(resource.properties['Value']) ?? '' },
  },
  'AWS::Events::Rule': {
    name: named('Name'),
    attributes: { Arn: (resource) => arn('events', `rule/${nameOf(resource)}`) },
  },
  'AWS::ApiGateway::RestApi': {
    name: logicalId,
    attributes: { RootResourceId: () => rootResourceId },
  },
  'AWS::ApiGateway::Stage': { name: named('StageName'), attributes: {} },
  'AWS::IAM::Role': {
    name: named('RoleName'),
    attributes: { Arn: (resource) => `arn:aws:iam::${account}:role/${nameOf(resource)}` },
  },
};

/** Id of the root of the REST API's resource tree. */
export const rootResourceId = '/';

/** The resource's physical name on the local stack. */
export function nameOf(resource: Resource): string {
  return (namings[resource.type]?.name ?? logicalId)(resource);
}

/** What `Ref` gives for the resource. */
export function refOf(resource: Resource, naming: NamingContext): string {
  return namings[resource.type]?.ref?.(resource, naming) ?? nameOf(resource);
}

/** What `Fn::GetAtt` gives for the resource. */
export function attributeOf(resource: Resource, attribute: string, naming: NamingContext): string {
  const found = namings[resource.type]?.attributes[attribute];
  if (found !== undefined) return found(resource, naming);
  // Whatever else has an ARN is only ever named in policies and alarms, which have no local counterpart.
  if (attribute === 'Arn') return arn('local', nameOf(resource));
  throw new LocalStackError(
    `The template reads ${attribute} of ${resource.logicalId} (${resource.type}), which the local stack does not know: add it to local/template/names.ts.`,
  );
}

/** The ARN of a resource that has one. */
export function arnOf(resource: Resource): string {
  return attributeOf(resource, 'Arn', { queueEndpoint: '' });
}

function queueUrl(resource: Resource, naming: NamingContext): string {
  return `${naming.queueEndpoint}/${account}/${nameOf(resource)}`;
}
