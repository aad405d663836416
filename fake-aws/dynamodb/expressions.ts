// A request's expressions: parsed by dynalite's own parsers, once per shape of request, and compiled to functions.
import type { AttributeValue, QueryInput, UpdateItemInput } from '@aws-sdk/client-dynamodb';
import validations from 'dynalite/validations/index.js';
import { NotSimulated, validationError } from '../errors.ts';
import { compileCondition } from './conditions.ts';
import type { Placeholders, Tree } from './operands.ts';
import type { Path } from './paths.ts';
import { compileUpdate, type UpdateSection } from './updates.ts';
import { type Item, typeOf } from './values.ts';

/** A request's expressions. */
export interface Expressions {
  readonly condition: ((item: Readonly<Item>, values: Readonly<Item>) => boolean) | undefined;
  readonly filter: ((item: Readonly<Item>, values: Readonly<Item>) => boolean) | undefined;
  readonly keyCondition: Tree | undefined;
  readonly update: ((item: Readonly<Item>, values: Readonly<Item>) => Item) | undefined;
  /** The attributes that an update changes. */
  readonly updated: readonly Path[];
  readonly projection: readonly Path[] | undefined;
  readonly placeholders: Placeholders;
}

interface Parsed {
  _condition?: { expression: Tree };
  _filter?: { expression: Tree };
  _keyCondition?: { expression: Tree };
  _updates?: { sections: UpdateSection[]; paths: Path[] };
  _projection?: { paths: Path[] };
}

const NAMES = [
  'ConditionExpression',
  'FilterExpression',
  'KeyConditionExpression',
  'UpdateExpression',
  'ProjectionExpression',
] as const;
/** The parts of a request that concern expressions. */
type ExpressionInput = Pick<
  QueryInput & UpdateItemInput,
  (typeof NAMES)[number] | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

const EXPRESSION_BYTES_MAX = 4_096;
const OPERATORS_MAX = 300;
const CACHED_MAX = 5_000;
/** A value of each type that the parser accepts. */
const SAMPLES: Readonly<Record<string, () => AttributeValue>> = {
  S: () => ({ S: 'S' }),
  N: () => ({ N: '0' }),
  B: () => ({ B: 'AAAA' as unknown as Uint8Array }),
  SS: () => ({ SS: ['S'] }),
  NS: () => ({ NS: ['0'] }),
  BS: () => ({ BS: ['AAAA' as unknown as Uint8Array] }),
  L: () => ({ L: [] }),
  M: () => ({ M: {} }),
  BOOL: () => ({ BOOL: true }),
  NULL: () => ({ NULL: true }),
};

const cache = new Map<string, Expressions>();

/** A request's expressions. @throws ValidationException when they are invalid */
export function expressionsOf(input: ExpressionInput): Expressions {
  const key = shapeOf(input);
  let expressions = cache.get(key);
  if (expressions === undefined) {
    expressions = parsed(input);
    if (cache.size >= CACHED_MAX) cache.clear();
    cache.set(key, expressions);
  }
  return expressions;
}

/** Requests of one shape differ only in values. */
function shapeOf(input: ExpressionInput): string {
  let shape = '';
  for (const name of NAMES) if (input[name] !== undefined) shape += `${name}=${input[name]}\n`;
  for (const name in input.ExpressionAttributeNames) {
    shape += `${name}=${input.ExpressionAttributeNames[name]}\n`;
  }
  for (const name in input.ExpressionAttributeValues) {
    shape += `${name}:${typeOf(input.ExpressionAttributeValues[name] as AttributeValue)}\n`;
  }
  return shape;
}

function parsed(input: ExpressionInput): Expressions {
  for (const name of NAMES) {
    const expression = input[name];
    if (expression === undefined) continue;
    if (Buffer.byteLength(expression) > EXPRESSION_BYTES_MAX) {
      throw validationError(`Invalid ${name}: Expression size has exceeded the maximum allowed size;`);
    }
    if (expression.includes('attribute_type')) throw new NotSimulated('attribute_type');
  }
  const placeholders = new Map<AttributeValue, string>();
  const samples: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(input.ExpressionAttributeValues ?? {})) {
    const sample = (SAMPLES[typeOf(value)] as () => AttributeValue)();
    samples[name] = sample;
    placeholders.set(sample, name);
  }
  const request: ExpressionInput & Parsed = {
    ...Object.fromEntries(NAMES.map((name) => [name, input[name]])),
    ExpressionAttributeNames: input.ExpressionAttributeNames,
    ExpressionAttributeValues: input.ExpressionAttributeValues && samples,
  };
  const wrong = validations.validateExpressions(request);
  if (wrong !== undefined) throw validationError(wrong);
  const { _condition, _filter, _keyCondition, _updates, _projection } = request;
  for (const tree of [_condition, _filter, _keyCondition, ...(_updates?.sections ?? [])]) {
    if (operatorsIn(tree) > OPERATORS_MAX)
      throw validationError('Invalid expression: The expression contains too many operators;');
  }
  return {
    condition: _condition && compileCondition(_condition.expression, placeholders),
    filter: _filter && compileCondition(_filter.expression, placeholders),
    keyCondition: _keyCondition?.expression,
    update: _updates && compileUpdate(_updates.sections, placeholders),
    updated: _updates?.paths ?? [],
    projection: _projection?.paths,
    placeholders,
  };
}

/** Operators and functions in a parsed expression: everything with arguments. */
function operatorsIn(tree: unknown): number {
  if (Array.isArray(tree)) return tree.reduce((sum: number, branch) => sum + operatorsIn(branch), 0);
  if (tree === null || typeof tree !== 'object') return 0;
  const own = 'args' in tree ? 1 : 0;
  return Object.values(tree).reduce((sum: number, branch) => sum + operatorsIn(branch), own);
}
