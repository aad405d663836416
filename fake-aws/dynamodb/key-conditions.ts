// Key conditions: which partition a query reads, and which part of it.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { NotSimulated, validationError } from '../errors.ts';
import type { ConditionTree, Operand } from './conditions.ts';
import type { Expressions } from './expressions.ts';
import type { TableSettings } from './table.ts';
import { compareValues, type Item, typeOf } from './values.ts';

/** A partition, and bounds of the sort key. */
export interface KeyRange {
  readonly hash: string;
  readonly least?: string;
  readonly most?: string;
  /** Whether the bounds themselves are excluded. */
  readonly isOpen?: boolean;
}

/** Above every sort key with this prefix: no text has a larger code point. */
const ABOVE_ALL = '\u{10FFFF}';

/** The range of a query's key condition. @throws ValidationException for a condition that is not allowed */
export function keyRange(
  { keyCondition, placeholders }: Expressions,
  values: Readonly<Item>,
  { hash, range }: TableSettings,
): KeyRange {
  if (keyCondition === undefined) throw validationError('a query has a KeyConditionExpression');
  let partition: string | undefined;
  let bounds: Omit<KeyRange, 'hash'> = {};
  for (const condition of conditionsIn(keyCondition)) {
    const [path, ...operands] = condition.args;
    const name = Array.isArray(path) ? path[0] : undefined;
    const given = operands.map((operand) => textOf(operand, placeholders, values));
    if (name === hash.name && condition.type === '=') partition = given[0];
    else if (name === range?.name) bounds = boundsOf(condition, given);
    else throw validationError(`Query condition missed key schema element: ${hash.name}`);
    checkOrder(condition, placeholders, values);
  }
  if (partition === undefined)
    throw validationError(`Query condition missed key schema element: ${hash.name}`);
  if (partition === '') throw validationError('a key attribute cannot contain an empty string value');
  return { hash: partition, ...bounds };
}

function conditionsIn(tree: ConditionTree): ConditionTree[] {
  if (tree.type !== 'and') return [tree];
  return tree.args.flatMap((arg) => conditionsIn(arg as ConditionTree));
}

function boundsOf({ type, name }: ConditionTree, [first = '', second = '']: readonly string[]) {
  if (type === '=') return { least: first, most: first };
  if (type === 'between') return { least: first, most: second };
  if (type === '>=' || type === '>') return { least: first, isOpen: type === '>' };
  if (type === '<=' || type === '<') return { most: first, isOpen: type === '<' };
  if (name === 'begins_with') return { least: first, most: first + ABOVE_ALL };
  throw new NotSimulated(`key condition ${name ?? type}`);
}

function textOf(
  operand: Operand,
  placeholders: ReadonlyMap<AttributeValue, string>,
  values: Readonly<Item>,
): string {
  const value = values[placeholders.get(operand as AttributeValue) ?? ''];
  if (value === undefined) throw validationError('a key condition compares a key with a value');
  const type = typeOf(value);
  if (type === 'B' && value.B !== undefined) return Buffer.from(value.B).toString('latin1');
  const text = value.S ?? value.N;
  if (text === undefined) throw validationError(`a key attribute is no ${type}`);
  return text;
}

function checkOrder(
  { type, args }: ConditionTree,
  placeholders: ReadonlyMap<AttributeValue, string>,
  values: Readonly<Item>,
): void {
  if (type !== 'between') return;
  const [low, high] = args.slice(1).map((arg) => values[placeholders.get(arg as AttributeValue) ?? '']);
  if (low !== undefined && high !== undefined && (compareValues(low, high) ?? 0) > 0) {
    throw validationError(
      'The BETWEEN operator requires upper bound to be greater than or equal to lower bound',
    );
  }
}
