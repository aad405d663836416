// The synthesized template: its resources, and values resolved to names derived from logical ids.
import { LocalStackError } from '../errors.ts';
import { account, region } from '../identity.ts';
import { asObject, asText, isObject, type Json, type JsonObject } from '../json.ts';
import { arnOf, attributeOf, nameOf } from './names.ts';
import { checkProperties } from './resource-types.ts';

/** One resource of the template; `properties` and names are resolved when read. */
export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly metadata: JsonObject;
  readonly properties: JsonObject;
  /** Its physical name on the local stack. */
  readonly name: string;
  readonly arn: string;
  /** The value of its `Ref`: its name, or a queue's URL. */
  readonly ref: string;
}

export type Template = ReturnType<typeof readTemplate>;

/** What names depend on: queue URLs contain the port of the queue endpoint. */
export interface NamingContext {
  readonly queueEndpoint: string;
  /** The stack's unique id; `local` by default. */
  readonly stackId?: string;
}

/**
 * Reads a CloudFormation template for the local stack.
 * @throws LocalStackError for an unsupported resource type or property
 */
export function readTemplate(json: Json, naming: NamingContext) {
  const declared = asObject(json)['Resources'];
  if (!isObject(declared)) throw new LocalStackError('The synthesized template has no Resources.');
  const pseudoParameters: Readonly<Record<string, string>> = {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': 'tally-local',
    'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/tally-local/${naming.stackId ?? 'local'}`,
  };

  /** Replaces every intrinsic function in a value with its result. */
  const resolve = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(resolve);
    if (!isObject(value)) return value;
    const [[name = '', argument = null] = [], ...others] = Object.entries(value);
    const intrinsic = Object.hasOwn(intrinsics, name) && others.length === 0 ? intrinsics[name] : undefined;
    if (intrinsic !== undefined) return intrinsic(argument);
    if (name.startsWith('Fn::')) {
      throw new LocalStackError(
        `The template uses ${name}, which the local stack cannot resolve: add it to local/template/template.ts.`,
      );
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]));
  };

  const intrinsics: Readonly<Record<string, (argument: Json) => Json>> = {
    Ref: (name) => pseudoParameters[String(name)] ?? describe(String(name)).ref,
    'Fn::GetAtt': (argument) => {
      const [logicalId = '', attribute = ''] = Array.isArray(argument) ? argument.map(String) : [];
      return attributeOf(describe(logicalId), attribute);
    },
    'Fn::Join': (argument) => {
      const [separator, parts] = Array.isArray(argument) ? argument.map(resolve) : [];
      if (!Array.isArray(parts))
        throw new LocalStackError(`The template has a malformed Fn::Join: ${JSON.stringify(argument)}`);
      return parts.map((part) => asText(part) ?? '').join(asText(separator));
    },
  };

  /** Properties are resolved when read: code and policies may contain values without a local counterpart. */
  function describe(logicalId: string): Resource {
    const body = asObject(declared)[logicalId];
    if (!isObject(body))
      throw new LocalStackError(`The template refers to "${logicalId}", which it does not contain.`);
    const properties: JsonObject = {};
    for (const [name, value] of Object.entries(asObject(body['Properties'])))
      Object.defineProperty(properties, name, { enumerable: true, get: () => resolve(value) });
    const type = String(body['Type']);
    return {
      ...{ logicalId, type, metadata: asObject(body['Metadata']), properties },
      get name() {
        return nameOf(this);
      },
      get arn() {
        return arnOf(this);
      },
      get ref() {
        return type === 'AWS::SQS::Queue' ? `${naming.queueEndpoint}/${account}/${this.name}` : this.name;
      },
    };
  }

  const resources = Object.keys(declared).map(describe);
  for (const { logicalId, type, properties } of resources)
    checkProperties(logicalId, type, Object.keys(properties));
  return {
    resources,
    ofType: (type: string): Resource[] => resources.filter((resource) => resource.type === type),
    find: (logicalId: string): Resource | undefined =>
      resources.find((resource) => resource.logicalId === logicalId),
  };
}
