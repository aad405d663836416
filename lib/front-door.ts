// The front door: a REST API that puts events into the stream without a function.
import { RemovalPolicy, Size } from 'aws-cdk-lib';
import {
  AccessLogField,
  AccessLogFormat,
  AuthorizationType,
  EndpointType,
  type IApiKey,
  type Integration,
  type IResource,
  JsonSchemaVersion,
  LambdaIntegration,
  LogGroupLogDestination,
  type MethodOptions,
  Period,
  type RequestValidator,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { Policy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { EVENTS } from '../api/events.ts';
import type { Operation } from '../api/operations.ts';
import type { Schema } from '../api/schema.ts';
import { acknowledge, withoutAuthorizer } from './acknowledge.ts';
import type { Configuration } from './configuration.ts';
import { addConstantAnswer } from './front-door-answers.ts';
import { addGatewayResponses } from './gateway-responses.ts';
import { allow } from './handler-function.ts';
import { putRecords } from './put-records.ts';

/** The route of public counters, from the API's root. */
export const PUBLIC_PATH = 'v1/public/{metric}/{entity+}';
/** The routes of the console, from the API's root. */
export const CONSOLE_PATHS = ['', 'console/{file}'];

/** Requests a second of each: a stranger must not use up the account's concurrent functions. */
const CONSOLE_REQUESTS_PER_SECOND = 50;

/** Burst limit, as a multiple of the rate. */
const BURST = 2;

type Access = Operation['access'];
/** What the body of a route must match. */
type Body = Readonly<{ title: string; schema: Schema }>;

/** Accepted findings of a route, by who may call it. */
const ACCEPTED: Readonly<Record<Access, Readonly<Record<string, string>>>> = {
  open: withoutAuthorizer(
    'Pages and apps of anonymous users send events, so there is no identity to authorize; the settings apiKeys and throttle* bound what they may do, and admin routes are under IAM.',
  ),
  public: withoutAuthorizer(
    'It shows nothing that is not public: a page without data, and counters named public.',
  ),
  signed: { 'AwsSolutions-COG4': 'IAM decides who may administer; there are no users to sign in.' },
};

/** The REST API. Events go directly into the stream; functions add their routes. */
export class FrontDoor extends Construct {
  readonly api: RestApi;
  /** The usage plan's first key; undefined when keys are off. */
  readonly apiKey: IApiKey | undefined;
  readonly #configuration: Configuration;
  readonly #validator: RequestValidator;

  constructor(scope: Construct, id: string, c: Configuration, stream: Stream) {
    super(scope, id);
    this.#configuration = c;
    this.api = createApi(this, c);
    addGatewayResponses(this.api, c);
    this.#validator = this.api.addRequestValidator('Everything', {
      validateRequestBody: true,
      validateRequestParameters: true,
    });
    this.apiKey = c.apiKeys ? addUsagePlan(this.api, c) : undefined;
    if (c.webAcl !== 'off')
      new CfnWebACLAssociation(this, 'WebAcl', {
        resourceArn: this.api.deploymentStage.stageArn,
        webAclArn: c.webAcl,
      });
    this.#addEvents(stream);
  }

  /**
   * Adds `GET <path>`, or `POST <path>` with a body that must match a schema, answered by a function.
   * @param path from the API's root
   */
  addRoute(access: Access, path: string, handler: LambdaFunction, body?: Body): void {
    const integration = new LambdaIntegration(handler, { allowTestInvoke: false });
    if (body === undefined) this.#addMethod(access, 'GET', path, integration);
    else this.#addMethod(access, 'POST', path, integration, this.#validated(body));
  }

  /** Adds a method; for clients with an API key if the stage requires one, and with its preflight. */
  #addMethod(access: Access, verb: string, path: string, integration: Integration, options?: MethodOptions) {
    const { allowOrigin, apiKeys: apiKeyRequired } = this.#configuration;
    const resource = this.api.root.resourceForPath(path);
    const method = resource.addMethod(verb, integration, {
      authorizationType: access === 'signed' ? AuthorizationType.IAM : AuthorizationType.NONE,
      ...(access === 'open' && { apiKeyRequired }),
      ...options,
    });
    acknowledge(method, ACCEPTED[access]);
    if (access === 'open') addPreflight(resource, verb, allowOrigin);
    return method;
  }

  #addEvents(stream: Stream): void {
    const role = new Role(this, 'PutRole', { assumedBy: new ServicePrincipal('apigateway.amazonaws.com') });
    const policy = new Policy(this, 'PutPolicy', {
      roles: [role],
      statements: [allow('kinesis', ['PutRecords'], stream.streamArn)],
    });
    const { allowOrigin } = this.#configuration;
    const { integration, methodResponses } = putRecords(stream, role.withoutPolicyUpdates(), allowOrigin);
    const events = { methodResponses, ...this.#validated({ title: 'Events', schema: EVENTS }) };
    const post = this.#addMethod('open', 'POST', 'v1/events', integration, events);
    post.node.addDependency(policy);
  }

  /** Without $default, a content type without a model would not be validated at all. */
  #validated({ title, schema }: Body): MethodOptions {
    // API Gateway supports only draft 4. The keywords in use mean the same in draft 4 and in 2020-12; a test ensures it.
    // The types' names are the values of CDK's enum.
    const draft4 = { schema: JsonSchemaVersion.DRAFT4, title, ...(schema as object) };
    return {
      requestModels: { $default: this.api.addModel(title, { schema: draft4 }) },
      requestValidator: this.#validator,
    };
  }
}

function createApi(scope: Construct, c: Configuration): RestApi {
  const accessLog = new LogGroup(scope, 'AccessLog', {
    retention: c.logRetentionDays as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const api = new RestApi(scope, 'Api', {
    restApiName: `tally-${c.stage}`,
    description: 'Takes events, answers counts.',
    // A CDN can serve distant clients; an edge-optimized endpoint could not be put behind one.
    endpointTypes: [EndpointType.REGIONAL],
    // Mainly for the console's script: 125 KB compress to 50.
    minCompressionSize: Size.kibibytes(1),
    cloudWatchRole: c.gatewayLogsRole,
    deployOptions: {
      stageName: c.stage,
      ...throttled(c.throttleRequestsPerSecond),
      tracingEnabled: c.tracing,
      metricsEnabled: false,
      // A method's own settings replace all of the stage's.
      methodOptions: Object.fromEntries([
        ...CONSOLE_PATHS.map((path) => [`/${path}/GET`, throttled(CONSOLE_REQUESTS_PER_SECOND)]),
        ...(c.publicMetrics.length > 0
          ? [[`/${PUBLIC_PATH}/GET`, throttled(c.publicRequestsPerSecond)]]
          : []),
      ]),
      accessLogDestination: new LogGroupLogDestination(accessLog),
      accessLogFormat: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
    },
  });
  acknowledgeApi(api, c);
  return api;
}

function throttled(perSecond: number) {
  return { throttlingRateLimit: perSecond, throttlingBurstLimit: BURST * perSecond };
}

/** One line per request. It omits addresses and user agents: Tally does not need to know who sent an event. */
const ACCESS_LOG = {
  requestId: AccessLogField.contextRequestId(),
  requestTime: AccessLogField.contextRequestTime(),
  method: AccessLogField.contextHttpMethod(),
  route: AccessLogField.contextResourcePath(),
  status: AccessLogField.contextStatus(),
  responseBytes: AccessLogField.contextResponseLength(),
  latencyMs: AccessLogField.contextResponseLatency(),
  integrationStatus: AccessLogField.contextIntegrationStatus(),
  integrationLatencyMs: AccessLogField.contextIntegrationLatency(),
  apiKeyId: AccessLogField.contextIdentityApiKeyId(),
  error: AccessLogField.contextErrorResponseType(),
} as const;

function addUsagePlan(api: RestApi, c: Configuration): IApiKey {
  const plan = api.addUsagePlan('UsagePlan', {
    description: 'Limits of one API key.',
    throttle: { rateLimit: c.keyRequestsPerSecond, burstLimit: BURST * c.keyRequestsPerSecond },
    ...(c.keyRequestsPerDay === 0 ? {} : { quota: { limit: c.keyRequestsPerDay, period: Period.DAY } }),
  });
  plan.addApiStage({ stage: api.deploymentStage });
  const key = api.addApiKey('ApiKey', { description: `First key of tally-${c.stage}.` });
  plan.addApiKey(key);
  return key;
}

/** Answers a preflight: whether a page of the allowed origin may send this. */
function addPreflight(resource: IResource, method: string, allowOrigin: string): void {
  addConstantAnswer(resource, 'OPTIONS', {
    statusCode: '204',
    allowOrigin,
    headers: {
      'Access-Control-Allow-Methods': `'${method},OPTIONS'`,
      'Access-Control-Allow-Headers': "'Content-Type,X-Api-Key,If-None-Match'",
      'Access-Control-Max-Age': "'86400'",
    },
    template: '',
    contentTypes: ['application/json'],
    reason: 'A preflight carries no credentials by definition; it answers constants.',
  });
}

function acknowledgeApi(api: RestApi, c: Configuration): void {
  acknowledge(api, {
    'AwsSolutions-APIG6':
      'Execution logs write headers and bodies, client addresses with them, into a group without retention; the access log has status, latency and error of each request.',
    ...(c.webAcl === 'off' && {
      'AwsSolutions-APIG3':
        'Throttling, a usage plan and schema validation bound what a client can do; the setting "webAcl" puts a web ACL in front, which costs for every request.',
    }),
    ...(c.gatewayLogsRole && {
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
        "The account's one role for API Gateway's logs is not this stack's alone, so it has the policy AWS made for it.",
    }),
    ...(!c.tracing && {
      'Serverless-APIGWXrayEnabled': 'The setting "tracing" turns X-Ray on; each trace costs.',
    }),
  });
}
