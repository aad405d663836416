// Common properties of all Lambda functions: build, logs, names and permissions.
import { dirname, join } from 'node:path';
import { AssetHashType, DockerImage, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import {
  Architecture,
  CfnEventSourceMapping,
  type CfnEventSourceMappingProps,
  Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { acknowledge, logicalIdOf, resourceIn } from './acknowledge.ts';
import { bundle, type CodeFile, writeBundle } from './bundle.ts';
import { type Configuration, LOCAL_STAGE } from './configuration.ts';
import type { FrontDoor } from './front-door.ts';

/** Where functions' code comes from: an esbuild bundle, or (local stack, tests) the source, by their metadata. */
export type CodeOrigin = 'bundle' | 'source';

/** What functions are made of and connected to. Each takes what it needs. */
export interface Platform {
  readonly stack: Stack;
  readonly configuration: Configuration;
  readonly code: CodeOrigin;
  readonly frontDoor: FrontDoor;
  readonly stream: Stream;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly counts: Table;
  readonly ledger: Table;
  readonly archive: Bucket;
  /** The retry parameter. */
  readonly retries: StringParameter;
}

interface HandlerFunctionProps {
  /** The function's name: its handler is `lambdas/<noun>/handler.ts`. */
  readonly noun: string;
  readonly description: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  /** All permissions besides its log and the archive. */
  readonly statements: readonly PolicyStatement[];
  /** Additional files for the bundle, made with it. */
  readonly files?: () => readonly CodeFile[];
  /** Prefixes of the archive that it may write. */
  readonly archived?: readonly string[];
}

/** How long a throttled run is retried before Lambda drops it. */
const THROTTLED_MAX_AGE = Duration.minutes(5);

/** Why no function has a destination for failed asynchronous runs. */
const WITHOUT_DESTINATION =
  'A mapping and the front door invoke it synchronously, and keep or report what fails; a failed run on schedule leaves its work to the next.';

/** A function with a role and a log group of its own. */
export class HandlerFunction extends Construct {
  readonly function: LambdaFunction;
  readonly policy: Policy;

  constructor(scope: Construct, id: string, platform: Platform, props: HandlerFunctionProps) {
    super(scope, id);
    const { configuration: c, code, archive } = platform;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: c.logRetentionDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Not the managed AWSLambdaBasicExecutionRole, which may write to every log group of the account.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const archived = (props.archived ?? []).map((prefix) => `${prefix}*`);
    this.policy = new Policy(this, 'Policy', {
      roles: [role],
      statements: [
        allow('logs', ['CreateLogStream', 'PutLogEvents'], logGroup.logGroupArn),
        ...(c.tracing ? [allow('xray', ['PutTraceSegments', 'PutTelemetryRecords'], '*')] : []),
        ...props.statements,
        ...(archived.length > 0
          ? [allow('s3', ['PutObject'], ...archived.map((keys) => archive.arnForObjects(keys)))]
          : []),
      ],
    });
    for (const keys of archived) {
      acknowledge(this.policy, {
        [`AwsSolutions-IAM5[Resource::<${logicalIdOf(archive)}.Arn>/${keys}]`]:
          'A key names what is archived, which is not known before; the prefix is all that a policy can say.',
      });
    }
    const entry = `lambdas/${props.noun}/handler.ts`;
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      architecture: Architecture.ARM_64,
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: code === 'bundle' ? bundled(entry, props.files) : Code.fromInline(`// ${entry}`),
      // The statements above are complete: CDK must not add any.
      role: role.withoutPolicyUpdates(),
      logGroup,
      timeout: Duration.seconds(props.timeoutSeconds),
      memorySize: props.memoryMb,
      tracing: c.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      environment: {
        STAGE: c.stage,
        POWERTOOLS_SERVICE_NAME: props.noun,
        POWERTOOLS_METRICS_NAMESPACE: 'Tally',
        POWERTOOLS_LOG_LEVEL: c.logLevel,
        ...(c.stage === LOCAL_STAGE ? {} : { NODE_OPTIONS: '--enable-source-maps' }),
        ...props.environment,
      },
    });
    // The local stack finds the handler's source by this.
    resourceIn(this.function).addMetadata('tally:entry', entry);
    this.function.node.addDependency(this.policy);
    acknowledge(this, {
      'Serverless-LambdaDLQ': WITHOUT_DESTINATION,
      'Serverless-LambdaAsyncFailureDestination': WITHOUT_DESTINATION,
      ...(c.tracing
        ? {
            'AwsSolutions-IAM5[Resource::*]': 'X-Ray has no resources to name in a policy.',
            'Serverless-LambdaStarPermissions': 'X-Ray has no resources to name in a policy.',
          }
        : {
            'Serverless-LambdaTracing':
              'The setting "tracing" turns X-Ray on; the ledger and the metrics already say where each event is, and a trace an invocation costs.',
          }),
    });
  }

  /** Feeds it from a stream or a queue. The mapping waits for the permissions, or Lambda refuses it. */
  readFrom(scope: Construct, id: string, source: Omit<CfnEventSourceMappingProps, 'functionName'>): void {
    const mapping = new CfnEventSourceMapping(scope, id, {
      functionName: this.function.functionArn,
      // One poison message must not return the others in its batch.
      functionResponseTypes: ['ReportBatchItemFailures'],
      ...source,
    });
    mapping.node.addDependency(this.policy);
    if (source.destinationConfig === undefined)
      acknowledge(mapping, {
        'Serverless-LambdaEventSourceMappingDestination':
          "A queue's mapping has none; the queue's redrive policy moves what fails to the dead letters.",
      });
  }

  /** Runs it every minute. A failed run is not retried: the next one does the same work. */
  runEveryMinute(): void {
    this.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: THROTTLED_MAX_AGE });
    const target = new LambdaTarget(this.function, { retryAttempts: 2, maxEventAge: THROTTLED_MAX_AGE });
    const rule = new Rule(this, 'EveryMinute', {
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [target],
    });
    acknowledge(rule, {
      'Serverless-EventBusDLQ': 'A missed run leaves nothing undone: the next one does the same work.',
    });
  }
}

/** Allows some operations of a service. */
export function allow(service: string, operations: string[], ...resources: string[]): PolicyStatement {
  return new PolicyStatement({ actions: operations.map((name) => `${service}:${name}`), resources });
}

/** The handler's bundle as an asset, built only when CDK needs it: `cdk destroy`, for example, does not. */
function bundled(entry: string, files: HandlerFunctionProps['files'] = () => []): Code {
  return Code.fromAsset(join(import.meta.dirname, '..', dirname(entry)), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Required by CDK, but never used.
      image: DockerImage.fromRegistry('none'),
      local: {
        tryBundle(folder) {
          writeBundle([...bundle(entry).files, ...files()], folder);
          return true;
        },
      },
    },
  });
}
