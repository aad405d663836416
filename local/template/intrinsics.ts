// Resolves CloudFormation's intrinsic functions in a template value.
import { LocalStackError } from '../errors.ts';
import { asObject, asText, isObject, type Json, type JsonObject } from '../json.ts';

/** What intrinsic functions look up. `ref` and `attribute` throw for a name they do not know. */
export interface Lookup {
  ref(logicalId: string): Json;
  attribute(logicalId: string, attribute: string): Json;
  mapping(map: string, top: string, second: string): Json | undefined;
  condition(name: string): Json | undefined;
}

/** Undefined is AWS::NoValue: the property or list item is left out. */
type Intrinsic = (argument: Json, lookup: Lookup) => Json | undefined;

const intrinsics: Record<string, Intrinsic> = {
  Ref: (argument, lookup) => (argument === 'AWS::NoValue' ? undefined : lookup.ref(text(argument, 'Ref'))),
  'Fn::GetAtt': (argument, lookup) => {
    const [logicalId, ...attribute] = Array.isArray(argument)
      ? argument.map((part) => text(resolveValue(part, lookup), 'Fn::GetAtt'))
      : text(argument, 'Fn::GetAtt').split('.');
    if (logicalId === undefined || attribute.length === 0) throw malformed('Fn::GetAtt', argument);
    return lookup.attribute(logicalId, attribute.join('.'));
  },
  'Fn::Sub': (argument, lookup) => {
    const [template, variables] = Array.isArray(argument) ? argument : [argument, {}];
    return substitute(text(template ?? null, 'Fn::Sub'), asObject(variables), lookup);
  },
  'Fn::Join': (argument, lookup) => {
    if (!Array.isArray(argument) || argument.length !== 2) throw malformed('Fn::Join', argument);
    const parts = resolveValue(argument[1] ?? null, lookup);
    if (!Array.isArray(parts)) throw malformed('Fn::Join', argument);
    return parts.map((part) => text(part, 'Fn::Join')).join(text(argument[0] ?? null, 'Fn::Join'));
  },
  'Fn::Select': (argument, lookup) => {
    if (!Array.isArray(argument)) throw malformed('Fn::Select', argument);
    const [index, list] = argument.map((part) => resolveValue(part, lookup));
    const chosen = Array.isArray(list) ? list[Number(index)] : undefined;
    if (chosen === undefined) throw malformed('Fn::Select', argument);
    return chosen;
  },
  'Fn::Split': (argument, lookup) => {
    if (!Array.isArray(argument)) throw malformed('Fn::Split', argument);
    const [separator, source] = argument.map((part) => text(resolveValue(part, lookup), 'Fn::Split'));
    if (separator === undefined || source === undefined) throw malformed('Fn::Split', argument);
    return source.split(separator);
  },
  'Fn::FindInMap': (argument, lookup) => {
    if (!Array.isArray(argument)) throw malformed('Fn::FindInMap', argument);
    const [map, top, second] = argument.map((part) => text(resolveValue(part, lookup), 'Fn::FindInMap'));
    const found =
      map !== undefined && top !== undefined && second !== undefined && lookup.mapping(map, top, second);
    if (found === false || found === undefined) throw malformed('Fn::FindInMap', argument);
    return found;
  },
  'Fn::Base64': (argument, lookup) =>
    Buffer.from(text(resolveValue(argument, lookup), 'Fn::Base64')).toString('base64'),
  'Fn::If': (argument, lookup) => {
    if (!Array.isArray(argument) || argument.length !== 3) throw malformed('Fn::If', argument);
    const branch = conditionHolds(text(argument[0] ?? null, 'Fn::If'), lookup) ? argument[1] : argument[2];
    return resolveOptional(branch ?? null, lookup);
  },
  'Fn::Equals': (argument, lookup) => {
    if (!Array.isArray(argument) || argument.length !== 2) throw malformed('Fn::Equals', argument);
    const [left, right] = argument.map((part) => asText(resolveValue(part, lookup)));
    return left === right;
  },
  'Fn::And': (argument, lookup) => booleans('Fn::And', argument, lookup).every(Boolean),
  'Fn::Or': (argument, lookup) => booleans('Fn::Or', argument, lookup).some(Boolean),
  'Fn::Not': (argument, lookup) => !booleans('Fn::Not', argument, lookup)[0],
  Condition: (argument, lookup) => conditionHolds(text(argument, 'Condition'), lookup),
};

/** The value with every intrinsic function replaced by its result; what is AWS::NoValue is left out. */
export function resolveValue(value: Json, lookup: Lookup): Json {
  return resolveOptional(value, lookup) ?? null;
}

function resolveOptional(value: Json, lookup: Lookup): Json | undefined {
  if (Array.isArray(value)) {
    return value.map((item) => resolveOptional(item, lookup)).filter((item) => item !== undefined);
  }
  if (!isObject(value)) return value;
  const call = intrinsicCall(value);
  if (call !== undefined) return call.intrinsic(call.argument, lookup);
  const resolved: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const result = resolveOptional(item, lookup);
    if (result !== undefined) resolved[key] = result;
  }
  return resolved;
}

/** Whether a condition of the template holds. */
export function conditionHolds(name: string, lookup: Lookup): boolean {
  const condition = lookup.condition(name);
  if (condition === undefined) throw new LocalStackError(`The template has no condition "${name}".`);
  return resolveValue(condition, lookup) === true;
}

function intrinsicCall(value: JsonObject): { intrinsic: Intrinsic; argument: Json } | undefined {
  const [[name, argument] = [undefined, undefined], ...others] = Object.entries(value);
  if (name === undefined || argument === undefined || others.length > 0) return undefined;
  const intrinsic = Object.hasOwn(intrinsics, name) ? intrinsics[name] : undefined;
  // "Condition" is also an ordinary property name (of IAM statements): there its value is an object.
  if (intrinsic !== undefined && !(name === 'Condition' && typeof argument !== 'string')) {
    return { intrinsic, argument };
  }
  if (name.startsWith('Fn::')) {
    throw new LocalStackError(
      `The template uses ${name}, which the local stack cannot resolve: add it to local/template/intrinsics.ts.`,
    );
  }
  return undefined;
}

function substitute(template: string, variables: JsonObject, lookup: Lookup): string {
  return template.replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, expression: string) => {
    if (literal !== '') return `\${${expression}}`;
    const own = variables[expression.trim()];
    if (own !== undefined) return text(resolveValue(own, lookup), 'Fn::Sub');
    const [logicalId = '', ...attribute] = expression.trim().split('.');
    const found =
      attribute.length === 0 ? lookup.ref(logicalId) : lookup.attribute(logicalId, attribute.join('.'));
    return text(found, 'Fn::Sub');
  });
}

function booleans(name: string, argument: Json, lookup: Lookup): boolean[] {
  if (!Array.isArray(argument)) throw malformed(name, argument);
  return argument.map((part) => resolveValue(part, lookup) === true);
}

function text(value: Json, intrinsic: string): string {
  const found = asText(value);
  if (found === undefined) throw malformed(intrinsic, value);
  return found;
}

function malformed(intrinsic: string, argument: Json): LocalStackError {
  return new LocalStackError(`The template has a malformed ${intrinsic}: ${JSON.stringify(argument)}`);
}
