// The synthesized template: its resources, and values resolved against names given from logical ids.
import { LocalStackError } from '../errors.ts';
import { account, region } from '../identity.ts';
import { asObject, isObject, type Json, type JsonObject } from '../json.ts';
import { conditionHolds, type Lookup, resolveValue } from './intrinsics.ts';
import { attributeOf, refOf } from './names.ts';
import { checkProperties } from './resource-types.ts';

/** One resource of the template; `properties` are resolved when they are read. */
export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly metadata: JsonObject;
  readonly properties: JsonObject;
}

/** A template that can be asked for its resources and its values. */
export interface Template {
  readonly resources: readonly Resource[];
  ofType(type: string): Resource[];
  find(logicalId: string): Resource | undefined;
}

/** What names depend on: the port of the queue endpoint is in queue URLs. */
export interface NamingContext {
  readonly queueEndpoint: string;
  /** What tells this stack from all others; `local` by default. */
  readonly stackId?: string;
}

/**
 * Reads a CloudFormation template for the local stack.
 * @throws LocalStackError for a resource type or property the local stack does not know
 */
export function readTemplate(json: Json, naming: NamingContext): Template {
  const root = asObject(json);
  const declared = root['Resources'];
  if (!isObject(declared)) throw new LocalStackError('The synthesized template has no Resources.');
  const resourceBodies: JsonObject = declared;
  const parameters = asObject(root['Parameters']);

  const lookup: Lookup = {
    ref: (logicalId) => {
      if (logicalId === 'AWS::StackId')
        return `arn:aws:cloudformation:${region}:${account}:stack/tally-local/${naming.stackId ?? 'local'}`;
      const pseudo = pseudoParameters[logicalId];
      if (pseudo !== undefined) return pseudo;
      if (isObject(parameters[logicalId])) return parameterDefault(logicalId, parameters[logicalId]);
      return refOf(describe(logicalId), naming);
    },
    attribute: (logicalId, attribute) => attributeOf(describe(logicalId), attribute, naming),
    mapping: (map, top, second) => asObject(asObject(asObject(root['Mappings'])[map])[top])[second],
    condition: (name) => asObject(root['Conditions'])[name],
  };

  function describe(logicalId: string): Resource {
    const body = resourceBodies[logicalId];
    if (!isObject(body)) {
      throw new LocalStackError(`The template refers to "${logicalId}", which it does not contain.`);
    }
    return lazyResource(logicalId, body, lookup);
  }

  const resources = Object.entries(resourceBodies)
    .filter(([, body]) => {
      const condition = asObject(body)['Condition'];
      return typeof condition !== 'string' || conditionHolds(condition, lookup);
    })
    .map(([logicalId]) => describe(logicalId));
  for (const resource of resources) {
    const body = asObject(resourceBodies[resource.logicalId]);
    checkProperties(resource.logicalId, resource.type, Object.keys(asObject(body['Properties'])));
  }
  return {
    resources,
    ofType: (type) => resources.filter((resource) => resource.type === type),
    find: (logicalId) => resources.find((resource) => resource.logicalId === logicalId),
  };
}

const pseudoParameters: Record<string, Json> = {
  'AWS::AccountId': account,
  'AWS::Region': region,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'tally-local',
  'AWS::NotificationARNs': [],
};

function parameterDefault(name: string, parameter: JsonObject): Json {
  const value = parameter['Default'];
  if (value === undefined) {
    throw new LocalStackError(
      `The template needs a value for its parameter "${name}": give it a default for the local stage.`,
    );
  }
  return value;
}

/** Resolves properties only when they are read: code locations and policies may hold what has no local value. */
function lazyResource(logicalId: string, body: JsonObject, lookup: Lookup): Resource {
  const declared = asObject(body['Properties']);
  const properties: JsonObject = {};
  for (const [name, value] of Object.entries(declared)) {
    let resolved: Json | undefined;
    Object.defineProperty(properties, name, {
      enumerable: true,
      get: () => {
        resolved ??= resolveValue(value, lookup);
        return resolved;
      },
    });
  }
  return { logicalId, type: String(body['Type']), metadata: asObject(body['Metadata']), properties };
}
