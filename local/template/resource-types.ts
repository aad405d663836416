// Every resource type and property that the local stack supports. It refuses all others: nothing is skipped silently.
import { LocalStackError } from '../errors.ts';

/** Properties that the local stack implements, or that have no effect on one machine (encryption, tags, roles), by type. */
const runTypes: Readonly<Record<string, readonly string[]>> = {
  'AWS::Kinesis::Stream': ['Name ShardCount RetentionPeriodHours StreamModeDetails StreamEncryption'],
  'AWS::DynamoDB::Table': [
    'TableName KeySchema AttributeDefinitions BillingMode DeletionProtectionEnabled',
    'PointInTimeRecoverySpecification TimeToLiveSpecification',
  ],
  'AWS::SQS::Queue': [
    'QueueName MaximumMessageSize MessageRetentionPeriod RedrivePolicy SqsManagedSseEnabled VisibilityTimeout',
  ],
  'AWS::S3::Bucket': [
    'BucketName BucketEncryption LifecycleConfiguration PublicAccessBlockConfiguration VersioningConfiguration',
  ],
  'AWS::SSM::Parameter': ['Name Type Value Description'],
  'AWS::Lambda::Function': [
    'FunctionName Timeout MemorySize Environment ReservedConcurrentExecutions',
    'Architectures Code Description Handler LoggingConfig RecursiveLoop Role Runtime TracingConfig',
  ],
  'AWS::Lambda::EventSourceMapping': [
    'BatchSize BisectBatchOnFunctionError DestinationConfig EventSourceArn FunctionName FunctionResponseTypes',
    'MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds MaximumRetryAttempts ParallelizationFactor',
    'ScalingConfig StartingPosition',
  ],
  'AWS::Events::Rule': ['EventPattern Name ScheduleExpression State Targets Description'],
  'AWS::ApiGateway::RestApi': ['Name Description EndpointConfiguration MinimumCompressionSize'],
  'AWS::ApiGateway::Resource': ['ParentId PathPart RestApiId'],
  'AWS::ApiGateway::Method': [
    'ApiKeyRequired AuthorizationType HttpMethod Integration MethodResponses RequestModels RequestParameters',
    'RequestValidatorId ResourceId RestApiId',
  ],
  'AWS::ApiGateway::Model': ['ContentType RestApiId Schema'],
  'AWS::ApiGateway::RequestValidator': ['RestApiId ValidateRequestBody ValidateRequestParameters'],
  'AWS::ApiGateway::GatewayResponse': [
    'ResponseParameters ResponseTemplates ResponseType RestApiId StatusCode',
  ],
  'AWS::ApiGateway::Stage': [
    'MethodSettings RestApiId StageName AccessLogSetting CacheClusterEnabled CacheClusterSize DeploymentId',
    'TracingEnabled',
  ],
  'AWS::ApiGateway::ApiKey': ['Enabled Value Description StageKeys'],
  'AWS::ApiGateway::UsagePlan': ['Quota Throttle ApiStages Description'],
  'AWS::ApiGateway::UsagePlanKey': ['KeyId UsagePlanId KeyType'],
};

/** Types without a local counterpart: permissions are not checked, and the API is served to this machine only. */
const withoutCounterpart = new Set([
  'AWS::ApiGateway::Account',
  'AWS::ApiGateway::Deployment',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::WAFv2::WebACLAssociation',
]);

/** @throws LocalStackError for an unsupported type or property */
export function checkProperties(logicalId: string, type: string, properties: readonly string[]): void {
  if (withoutCounterpart.has(type)) return;
  const known = Object.hasOwn(runTypes, type) ? runTypes[type]?.join(' ').split(' ') : undefined;
  const unknown = known === undefined ? '' : properties.find((property) => !known.includes(property));
  if (unknown === undefined) return;
  const what = unknown === '' ? type : `${unknown} of ${type}`;
  throw new LocalStackError(
    `The local stack does not know ${what} (${logicalId}): run it, or list it, in local/template/resource-types.ts.`,
  );
}
