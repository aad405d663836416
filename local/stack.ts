// The local stack: the synthesized template, running on embedded emulators.
import './compile-cache.ts';
import { join } from 'node:path';
import { createApi } from './api-gateway/api.ts';
import { startApiServer } from './api-gateway/server.ts';
import { createBreakIt } from './break-it.ts';
import type { LocalClock } from './clock.ts';
import { withControls } from './control-routes.ts';
import { lockDataFolder, stackIdIn } from './data-folder.ts';
import type { Demo } from './demo.ts';
import { createAwsJsonClient, type JsonService } from './emulators/aws-json.ts';
import { type Endpoints, startEmulators } from './emulators/emulators.ts';
import { type ServiceFault, startFaultProxy } from './emulators/fault-proxy.ts';
import { startParameters } from './emulators/parameters.ts';
import type { CreatedObject } from './emulators/worker.ts';
import { startMappings } from './event-source-mappings/mappings.ts';
import { createFunctions } from './functions/functions.ts';
import type { Json, JsonObject } from './json.ts';
import type { StackObserver } from './observer.ts';
import { provision, provisionBucket } from './provision.ts';
import { readObjectRules, readSchedules, startSchedules } from './rules.ts';
import { readStatus, type Status } from './status.ts';
import { synthesize } from './synthesize.ts';
import { readTemplate } from './template/template.ts';

/** Options of a local stack; all are optional. */
export interface LocalStackOptions {
  /** The template to run instead of the one that `bin/app.ts` synthesizes. */
  readonly template?: Json;
  /** Settings that override the local stage's, for `bin/app.ts`. */
  readonly settings?: JsonObject;
  /** Port of the API; any free one by default. */
  readonly port?: number;
  /** Whether the next free port is acceptable when `port` is taken. */
  readonly orNextFreePort?: boolean;
  /** Folder for data that survives restarts; in memory by default. */
  readonly dataDir?: string;
  /** Called for every line that a function writes: logs, and metrics in embedded metric format. */
  readonly onFunctionOutput?: (functionName: string, line: string) => void;
  /** Called with errors of the stack itself, for the terminal. */
  readonly onProblem?: (message: string) => void;
  /** Called when the stack cannot continue: an emulator has ended. */
  readonly onCrash?: (error: Error) => void;
  /** Aborts the start. */
  readonly signal?: AbortSignal;
  /** False turns schedules off, for tests that invoke functions themselves. */
  readonly schedules?: boolean;
  /** True adds a proxy between functions and services, so that `setFault` decides on their calls, too. */
  readonly faults?: boolean;
  /** Lets the console break the stack (local/break-it.ts) and pause a demo; implies `faults`. */
  readonly controls?: { readonly demo: () => Demo | undefined };
  /** Observes calls, invocations, batches and answers; implies `faults`. */
  readonly observer?: StackObserver;
  /** The clock that functions and emulators follow, from `createClock()`; the machine's by default. */
  readonly clock?: LocalClock;
}

/** A running local stack. */
export type LocalStack = Awaited<ReturnType<typeof startLocalStack>>;

/** Grace period for a batch in progress when the stack stops. */
const graceMs = 3_000;

/** Starts a local stack. @throws LocalStackError for errors that the user can fix */
export async function startLocalStack(options: LocalStackOptions = {}) {
  // Stops in reverse order of starting; also when the start fails.
  await using stops = new AsyncDisposableStack();
  const { dataDir, signal, observer, clock } = options;
  const report = options.onProblem ?? (() => {});
  if (dataDir !== undefined) stops.defer(lockDataFolder(dataDir));
  const onCrash = options.onCrash ?? ((error: Error) => report(error.message));
  let onObject = (_: CreatedObject) => {};
  const starting = startEmulators({
    ...{ dataDir, onCrash, clock: clock?.offset },
    onObject: (created) => onObject(created),
  });
  // If synthesizing fails first, the emulators must still be stopped.
  stops.defer(async () => (await starting.catch(() => undefined))?.stop());
  const [json, emulators] = await Promise.all([
    options.template ?? synthesize(signal, options.settings),
    starting,
  ]);
  signal?.throwIfAborted();

  const naming = { queueEndpoint: emulators.endpoints.sqs, stackId: stackIdIn(dataDir) };
  const template = readTemplate(json, naming);
  const parameters = await startParameters(
    new Map(
      template.ofType('AWS::SSM::Parameter').map((each) => [each.name, String(each.properties['Value'])]),
    ),
    dataDir && join(dataDir, 'parameters.json'),
  );
  stops.defer(parameters.stop);
  const endpoints: Endpoints = { ...emulators.endpoints, ssm: parameters.endpoint };
  const clients = {
    dynamodb: createAwsJsonClient('dynamodb', endpoints.dynamodb),
    kinesis: createAwsJsonClient('kinesis', endpoints.kinesis),
    sqs: createAwsJsonClient('sqs', endpoints.sqs),
    ssm: createAwsJsonClient('ssm', endpoints.ssm),
  } satisfies Record<JsonService, unknown>;
  await provision(template, clients, endpoints.s3);
  const objectRules = readObjectRules(template);
  for (const bucket of objectRules.buckets) await provisionBucket(bucket, endpoints.s3);
  signal?.throwIfAborted();

  const nowMs = () => clock?.nowMs() ?? Date.now();
  onObject = (created) => {
    objectRules.tell(created, clients.sqs, nowMs()).catch((error: Error) => report(error.message));
  };
  let fault: ServiceFault | undefined;
  const watch = { fault: () => fault, observer };
  const functionEndpoints = { ...endpoints };
  if (options.faults === true || options.controls !== undefined || observer !== undefined) {
    for (const service of Object.keys(endpoints) as (keyof Endpoints)[]) {
      const proxy = await startFaultProxy(service, endpoints[service], watch);
      stops.defer(proxy.stop);
      functionEndpoints[service] = proxy.endpoint;
    }
  }
  let apiUrl = '';
  const functions = createFunctions(template, {
    ...{ clock, observer, endpoints: functionEndpoints },
    onOutput: options.onFunctionOutput ?? (() => {}),
    apiUrl: () => apiUrl,
  });
  stops.defer(functions.stop);
  const mappings = startMappings({
    template,
    functions,
    ...clients,
    dataDir,
    onBatch: (functionName, lastArrivalMs) =>
      observer?.emit('batchDelivered', functionName, Math.max(0, nowMs() - lastArrivalMs)),
  });
  stops.defer(async () => {
    await Promise.all(mappings.map((mapping) => mapping.stop(graceMs)));
  });
  if (options.schedules !== false) stops.defer(startSchedules(template, functions));

  const breakIt = options.controls && createBreakIt({ template, functions, mappings, clients });
  fault = breakIt?.fault;
  const api = createApi(template, { functions, clients, ...watch, report });
  const server = await startApiServer(
    withControls(api, endpoints, breakIt && options.controls && { breakIt, ...options.controls }),
    options.port ?? 0,
    options.orNextFreePort ?? false,
  );
  stops.defer(() => server.stop(graceMs));
  apiUrl = server.url;
  signal?.throwIfAborted();

  const running = stops.move();
  return {
    url: server.url,
    endpoints,
    template,
    functions,
    /** Mappings by logical id; they can be paused and resumed. */
    mappings,
    /** Schedules by logical id, for a caller that turned them off and runs them itself. */
    scheduled: readSchedules(template, functions),
    /** One call of a service: what `aws <service> <operation>` sends. */
    call: (service: JsonService, action: string, input: JsonObject) => clients[service].call(action, input),
    /** Invokes a function by name, logical id or ARN. */
    invoke: (functionName: string, event: unknown) => functions.find(functionName).invoke(event),
    /** Lets a test decide on every service call of the API, and of functions with the option `faults`. */
    setFault: (next: ServiceFault | undefined): void => {
      fault = next;
    },
    /** The accounts of the pipeline, as in `GET /v1/status`. */
    status: (): Promise<Status> => readStatus(server.url),
    /** Stops everything: leaves no thread, child process, connection or timer. */
    stop: (): Promise<void> => running.disposeAsync(),
  };
}
