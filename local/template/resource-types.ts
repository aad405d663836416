// Every resource type the local stack knows: what it runs, and what has no local counterpart, property by property.
import { LocalStackError } from '../errors.ts';

interface ResourceType {
  /** Properties the local stack acts on. */
  readonly runs: readonly string[];
  /** Properties without a meaning on one machine (encryption, tags …). */
  readonly ignores: readonly string[];
}

const runTypes: Record<string, ResourceType> = {
  'AWS::Kinesis::Stream': {
    runs: ['Name', 'ShardCount', 'RetentionPeriodHours', 'StreamModeDetails'],
    ignores: ['StreamEncryption', 'DesiredShardLevelMetrics', 'Tags', 'MaxRecordSizeInKiB'],
  },
  'AWS::DynamoDB::Table': {
    runs: [
      'TableName',
      'KeySchema',
      'AttributeDefinitions',
      'GlobalSecondaryIndexes',
      'LocalSecondaryIndexes',
      'BillingMode',
    ],
    ignores: [
      'ProvisionedThroughput',
      'OnDemandThroughput',
      'WarmThroughput',
      'TimeToLiveSpecification',
      'PointInTimeRecoverySpecification',
      'SSESpecification',
      'DeletionProtectionEnabled',
      'ContributorInsightsSpecification',
      'TableClass',
      'Tags',
    ],
  },
  'AWS::SQS::Queue': {
    runs: [
      'QueueName',
      'DelaySeconds',
      'MaximumMessageSize',
      'MessageRetentionPeriod',
      'ReceiveMessageWaitTimeSeconds',
      'RedrivePolicy',
      'VisibilityTimeout',
    ],
    ignores: [
      'RedriveAllowPolicy',
      'SqsManagedSseEnabled',
      'KmsMasterKeyId',
      'KmsDataKeyReusePeriodSeconds',
      'Tags',
    ],
  },
  'AWS::S3::Bucket': {
    runs: ['BucketName'],
    ignores: [
      'AccessControl',
      'BucketEncryption',
      'IntelligentTieringConfigurations',
      'LifecycleConfiguration',
      'LoggingConfiguration',
      'ObjectLockEnabled',
      'OwnershipControls',
      'PublicAccessBlockConfiguration',
      'Tags',
      'VersioningConfiguration',
    ],
  },
  'AWS::SSM::Parameter': {
    runs: ['Name', 'Type', 'Value'],
    ignores: ['AllowedPattern', 'DataType', 'Description', 'Policies', 'Tags', 'Tier'],
  },
  'AWS::Lambda::Function': {
    runs: ['FunctionName', 'Timeout', 'MemorySize', 'Environment', 'ReservedConcurrentExecutions'],
    ignores: [
      'Architectures',
      'Code',
      'DeadLetterConfig',
      'Description',
      'EphemeralStorage',
      'Handler',
      'KmsKeyArn',
      'Layers',
      'LoggingConfig',
      'PackageType',
      'RecursiveLoop',
      'Role',
      'Runtime',
      'RuntimeManagementConfig',
      'SnapStart',
      'Tags',
      'TracingConfig',
    ],
  },
  'AWS::Lambda::EventSourceMapping': {
    runs: [
      'BatchSize',
      'BisectBatchOnFunctionError',
      'DestinationConfig',
      'Enabled',
      'EventSourceArn',
      'FunctionName',
      'FunctionResponseTypes',
      'MaximumBatchingWindowInSeconds',
      'MaximumRecordAgeInSeconds',
      'MaximumRetryAttempts',
      'ParallelizationFactor',
      'ScalingConfig',
      'StartingPosition',
    ],
    ignores: ['KmsKeyArn', 'MetricsConfig', 'Tags', 'LoggingConfig'],
  },
  'AWS::Events::Rule': {
    runs: ['EventPattern', 'Name', 'ScheduleExpression', 'State', 'Targets'],
    ignores: ['Description', 'EventBusName', 'RoleArn', 'Tags'],
  },
  'AWS::ApiGateway::RestApi': {
    runs: ['Name', 'ApiKeySourceType', 'BinaryMediaTypes'],
    ignores: [
      'CloneFrom',
      'Description',
      'DisableExecuteApiEndpoint',
      'EndpointAccessMode',
      'EndpointConfiguration',
      'MinimumCompressionSize',
      'Policy',
      'SecurityPolicy',
      'Tags',
    ],
  },
  'AWS::ApiGateway::Resource': { runs: ['ParentId', 'PathPart', 'RestApiId'], ignores: [] },
  'AWS::ApiGateway::Method': {
    runs: [
      'ApiKeyRequired',
      'AuthorizationType',
      'HttpMethod',
      'Integration',
      'MethodResponses',
      'RequestModels',
      'RequestParameters',
      'RequestValidatorId',
      'ResourceId',
      'RestApiId',
    ],
    ignores: ['OperationName', 'AuthorizationScopes'],
  },
  'AWS::ApiGateway::Model': {
    runs: ['ContentType', 'Name', 'RestApiId', 'Schema'],
    ignores: ['Description'],
  },
  'AWS::ApiGateway::RequestValidator': {
    runs: ['RestApiId', 'ValidateRequestBody', 'ValidateRequestParameters'],
    ignores: ['Name'],
  },
  'AWS::ApiGateway::GatewayResponse': {
    runs: ['ResponseParameters', 'ResponseTemplates', 'ResponseType', 'RestApiId', 'StatusCode'],
    ignores: [],
  },
  'AWS::ApiGateway::Stage': {
    runs: ['MethodSettings', 'RestApiId', 'StageName', 'Variables'],
    ignores: [
      'AccessLogSetting',
      'CacheClusterEnabled',
      'CacheClusterSize',
      'DeploymentId',
      'Description',
      'Tags',
      'TracingEnabled',
    ],
  },
  'AWS::ApiGateway::ApiKey': {
    runs: ['Enabled', 'Value'],
    ignores: ['Description', 'Name', 'StageKeys', 'Tags', 'GenerateDistinctId', 'CustomerId'],
  },
  'AWS::ApiGateway::UsagePlan': {
    runs: ['Quota', 'Throttle'],
    ignores: ['ApiStages', 'Description', 'Tags', 'UsagePlanName'],
  },
  'AWS::ApiGateway::UsagePlanKey': { runs: ['KeyId', 'UsagePlanId'], ignores: ['KeyType'] },
};

/** Types without a local counterpart: there is nothing to run, or nobody to keep out. */
const withoutCounterpart: Record<string, string> = {
  'AWS::ApiGateway::Account': 'CloudWatch role of API Gateway',
  'AWS::ApiGateway::Deployment': 'the local API always serves the template as it is',
  'AWS::CDK::Metadata': 'usage reporting of CDK',
  'AWS::CloudWatch::Alarm': 'alarms',
  'AWS::CloudWatch::CompositeAlarm': 'alarms',
  'AWS::CloudWatch::Dashboard': 'dashboards',
  'AWS::IAM::ManagedPolicy': 'permissions are not checked',
  'AWS::IAM::Policy': 'permissions are not checked',
  'AWS::IAM::Role': 'permissions are not checked',
  'AWS::KMS::Alias': 'nothing is encrypted',
  'AWS::KMS::Key': 'nothing is encrypted',
  'AWS::Lambda::EventInvokeConfig': 'asynchronous invocations are tried once',
  'AWS::Lambda::Permission': 'permissions are not checked',
  'AWS::Logs::LogGroup': 'logs of functions go to --logs',
  'AWS::Logs::MetricFilter': 'metrics',
  'AWS::Logs::QueryDefinition': 'saved queries',
  'AWS::S3::BucketPolicy': 'permissions are not checked',
  'AWS::SNS::Subscription': 'alarms',
  'AWS::SNS::Topic': 'alarms',
  'AWS::SNS::TopicPolicy': 'permissions are not checked',
  'AWS::SQS::QueuePolicy': 'permissions are not checked',
  'AWS::WAFv2::WebACL': 'the local API is reachable from this machine only',
  'AWS::WAFv2::WebACLAssociation': 'the local API is reachable from this machine only',
};

/** @throws LocalStackError if the local stack knows the type or one of the properties neither to run nor to ignore */
export function checkProperties(logicalId: string, type: string, properties: readonly string[]): void {
  if (Object.hasOwn(withoutCounterpart, type)) return;
  const known = Object.hasOwn(runTypes, type) ? runTypes[type] : undefined;
  if (known === undefined) {
    throw new LocalStackError(
      `The local stack does not know ${type} (${logicalId}): run it, or list it as having no local counterpart, in local/template/resource-types.ts.`,
    );
  }
  for (const property of properties) {
    if (!known.runs.includes(property) && !known.ignores.includes(property)) {
      throw new LocalStackError(
        `The local stack does not know ${property} of ${type} (${logicalId}): run it, or list it as ignored, in local/template/resource-types.ts.`,
      );
    }
  }
}
