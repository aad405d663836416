// Key conditions: which partition a query reads, and which part of it.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { NotSimulated, validationError } from '../errors.ts';
import { checkBounds } from './conditions.ts';
import type { Expressions } from './expressions.ts';
import type { Tree } from './operands.ts';
import type { KeyBounds, TableSettings } from './table.ts';
import { type Item, typeOf } from './values.ts';

/** Above every sort key with this prefix: no text has a larger code point. */
const ABOVE_ALL = '\u{10FFFF}';

/** The partition that a query reads, and its bounds. @throws ValidationException for a condition that is not allowed */
export function keyRange(
  { keyCondition, placeholders }: Expressions,
  values: Readonly<Item>,
  { hash, range }: TableSettings,
): KeyBounds & { readonly hash: string } {
  if (keyCondition === undefined) throw validationError('a query has a KeyConditionExpression');
  let partition: string | undefined;
  let bounds: KeyBounds = {};
  for (const condition of conditionsIn(keyCondition)) {
    const [path, ...operands] = condition.args;
    const name = Array.isArray(path) ? path[0] : undefined;
    const given = operands.map((operand) => values[placeholders.get(operand as AttributeValue) ?? '']);
    const texts = given.map(textOf);
    if (name === hash.name && condition.type === '=') [partition] = texts;
    else if (name === range?.name) bounds = boundsOf(condition, texts);
    else throw validationError(`Query condition missed key schema element: ${hash.name}`);
    if (condition.type === 'between') checkBounds(given[0], given[1]);
  }
  if (partition === undefined)
    throw validationError(`Query condition missed key schema element: ${hash.name}`);
  if (partition === '') throw validationError('a key attribute cannot contain an empty string value');
  return { hash: partition, ...bounds };
}

function conditionsIn(tree: Tree): Tree[] {
  if (tree.type !== 'and') return [tree];
  return tree.args.flatMap((arg) => conditionsIn(arg as Tree));
}

function boundsOf({ type, name }: Tree, [first = '', second = '']: readonly string[]): KeyBounds {
  if (type === '=') return { least: first, most: first };
  if (type === 'between') return { least: first, most: second };
  if (type === '>=' || type === '>') return { least: first, isOpen: type === '>' };
  if (type === '<=' || type === '<') return { most: first, isOpen: type === '<' };
  if (name === 'begins_with') return { least: first, most: first + ABOVE_ALL };
  throw new NotSimulated(`key condition ${name ?? type}`);
}

function textOf(value: AttributeValue | undefined): string {
  if (value === undefined) throw validationError('a key condition compares a key with a value');
  const text = value.B === undefined ? (value.S ?? value.N) : Buffer.from(value.B).toString('latin1');
  if (text === undefined) throw validationError(`a key attribute is no ${typeOf(value)}`);
  return text;
}
