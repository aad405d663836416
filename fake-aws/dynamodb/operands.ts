// Compiles operands of conditions and updates to functions of an item.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { NotSimulated, validationError } from '../errors.ts';
import { type Path, valueAt } from './paths.ts';
import { added, type Item } from './values.ts';

/** A parsed operator or function, and its operands. */
export interface Tree {
  readonly type: string;
  readonly name?: string;
  readonly args: readonly Operand[];
}

/** A path, the value of a placeholder, or a function's result. */
export type Operand = Path | AttributeValue | Tree;

/** The placeholders of a tree's values. */
export type Placeholders = ReadonlyMap<AttributeValue, string>;
/** A value, or none. */
export type Value = AttributeValue | undefined;

export const WRONG_TYPE = 'An operand in the update expression has an incorrect data type';

/** Compiles an operand to a function of an item and the placeholders' values. */
export function compileOperand(
  operand: Operand,
  placeholders: Placeholders,
): (item: Readonly<Item>, values: Readonly<Item>) => Value {
  if (Array.isArray(operand)) {
    const path = operand as Path;
    const [name] = path;
    if (path.length === 1) return (item) => item[name as string];
    return (item) => valueAt(item, path);
  }
  const placeholder = placeholders.get(operand as AttributeValue);
  if (placeholder !== undefined) return (_item, values) => values[placeholder];
  const { type, name, args } = operand as Tree;
  const [first, second] = args.map((arg) => compileOperand(arg, placeholders));
  const compute = OPERATIONS[name ?? type];
  if (compute === undefined || first === undefined) throw new NotSimulated(`operand ${name ?? type}`);
  return (item, values) => compute(first(item, values), second?.(item, values));
}

const OPERATIONS: Readonly<Record<string, (one: Value, other: Value) => Value>> = {
  size: sizeOf,
  if_not_exists: (one, other) => one ?? other,
  list_append: (one, other) => {
    if (one?.L === undefined || other?.L === undefined) throw validationError(WRONG_TYPE);
    return { L: [...one.L, ...other.L] };
  },
  add: (one, other) => sum(one, other, 1),
  subtract: (one, other) => sum(one, other, -1),
};

function sum(one: Value, other: Value, sign: 1 | -1): Value {
  if (one?.N === undefined || other?.N === undefined) throw validationError(WRONG_TYPE);
  return { N: added(one.N, other.N, sign) };
}

function sizeOf(value: Value): Value {
  if (value === undefined) return undefined;
  const { S, B, SS, NS, BS, L, M } = value;
  const size =
    (S === undefined ? undefined : Buffer.byteLength(S)) ??
    B?.byteLength ??
    (SS ?? NS ?? BS ?? L)?.length ??
    (M === undefined ? undefined : Object.keys(M).length);
  return size === undefined ? undefined : { N: String(size) };
}
