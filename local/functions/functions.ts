// All functions of the template, run from source with the template's environment.
import { devNull } from 'node:os';
import { resolve } from 'node:path';
import type { LocalClock } from '../clock.ts';
import type { Endpoints } from '../emulators/emulators.ts';
import { LocalStackError } from '../errors.ts';
import { credentials, region } from '../identity.ts';
import { asNumber, asObject, asText } from '../json.ts';
import type { StackObserver } from '../observer.ts';
import type { Resource, Template } from '../template/template.ts';
import { createFunction, type LocalFunction } from './function.ts';
import type { FunctionDefinition } from './protocol.ts';

/** The template's functions. */
export type Functions = ReturnType<typeof createFunctions>;

const projectRoot = resolve(import.meta.dirname, '../..');

/** Maximum containers of one function (AWS's limit is 1,000 per account): each is a thread with its own memory. */
const concurrencyMaxDefault = 4;

interface FunctionsParts {
  readonly endpoints: Endpoints;
  readonly onOutput: (functionName: string, line: string) => void;
  /** The API's address, read when a container starts, since the API needs functions to start. */
  readonly apiUrl: () => string;
  /** The stack's clock, if it is not the machine's. */
  readonly clock?: LocalClock | undefined;
  readonly observer?: StackObserver | undefined;
}

/** Creates the template's functions. */
export function createFunctions(template: Template, parts: FunctionsParts) {
  const byName = new Map<string, LocalFunction>();
  const all = template.ofType('AWS::Lambda::Function').map((resource) => {
    const definition = describeFunction(resource, parts);
    const onOutput = (line: string) => parts.onOutput(definition.name, line);
    const created = createFunction(definition, onOutput, parts.clock?.offset);
    const invoke: LocalFunction['invoke'] = async (event) => {
      parts.observer?.emit('functionStarted', definition.name);
      const outcome = await created.invoke(event);
      parts.observer?.emit('functionEnded', definition.name, outcome.ok ? 'succeeded' : 'failed');
      return outcome;
    };
    const observed = { ...created, invoke };
    for (const name of [definition.name, resource.logicalId, definition.arn]) byName.set(name, observed);
    return observed;
  });
  return {
    all,
    /** Finds a function by name, logical id or ARN. @throws LocalStackError */
    find: (name: string): LocalFunction => {
      const found = byName.get(name);
      if (found === undefined) throw new LocalStackError(`The template has no function ${name}.`);
      return found;
    },
    stop: async (): Promise<void> => {
      await Promise.all(all.map((each) => each.stop()));
    },
  };
}

/** The API's URL as CDK writes it, including the stage, with local names inserted. */
const API_URL = /https:\/\/[A-Za-z0-9]+\.execute-api\.[a-z0-9.-]+\/[^/]+\//g;

function describeFunction(resource: Resource, { endpoints, apiUrl }: FunctionsParts): FunctionDefinition {
  const { properties, name } = resource;
  const entry = asText(resource.metadata['tally:entry']);
  if (entry === undefined)
    throw new LocalStackError(
      `The function ${resource.logicalId} has no metadata "tally:entry" naming its handler's source.`,
    );
  const memoryMb = asNumber(properties['MemorySize']) ?? 128;
  return {
    name,
    arn: resource.arn,
    entry: resolve(projectRoot, entry),
    timeoutMs: (asNumber(properties['Timeout']) ?? 3) * 1_000,
    memoryMb,
    concurrencyMax: asNumber(properties['ReservedConcurrentExecutions']) ?? concurrencyMaxDefault,
    get environment() {
      const variables = lambdaEnvironment(name, memoryMb);
      // The SDK's variables for service endpoints outside AWS.
      for (const [service, url] of Object.entries(endpoints))
        variables[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] = url;
      const declared = asObject(asObject(properties['Environment'])['Variables']);
      for (const [key, value] of Object.entries(declared))
        variables[key] = (asText(value) ?? '').replace(API_URL, `${apiUrl()}/`);
      return variables;
    },
  };
}

/** The variables Lambda itself sets. */
function lambdaEnvironment(name: string, memoryMb: number): Record<string, string> {
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    // The function's name, so that the observer sees who signed a request.
    AWS_ACCESS_KEY_ID: name,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    // The user's own AWS configuration must not reach the functions.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    LAMBDA_TASK_ROOT: projectRoot,
    TZ: ':UTC',
  };
}
