// Compiles parsed update expressions to functions from an item to the updated item.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { validationError } from '../errors.ts';
import { type Path, valueAt, withValueAt } from './paths.ts';
import { added, changedSet, type Item, typeOf } from './values.ts';

/** One action of an update. */
export interface UpdateSection {
  readonly type: 'set' | 'remove' | 'add' | 'delete';
  readonly path: Path;
  readonly val?: UpdateOperand;
}

interface UpdateTree {
  readonly type: 'add' | 'subtract' | 'function';
  readonly name?: string;
  readonly args: readonly UpdateOperand[];
}

type UpdateOperand = Path | AttributeValue | UpdateTree;
type Placeholders = ReadonlyMap<AttributeValue, string>;
type Values = Readonly<Item>;

const WRONG_TYPE = 'An operand in the update expression has an incorrect data type';

/** Compiles an update. Every operand refers to the item before the update. */
export function compileUpdate(
  sections: readonly UpdateSection[],
  placeholders: Placeholders,
): (item: Readonly<Item>, values: Values) => Item {
  // Remove list elements from the end, so that the indexes of the others stay valid.
  const steps = [...sections].sort(byPlaceDown).map(({ type, path, val }) => ({
    type,
    path,
    operand: val === undefined ? () => undefined : compileOperand(val, placeholders),
  }));
  return (before, values) => {
    let item: Item = { ...before };
    for (const { type, path, operand } of steps) {
      const value = changed(type, valueAt(before, path), operand(before, values));
      // Most attributes are top-level, and need no copy of the item.
      if (path.length > 1) item = withValueAt(item, path, value);
      else if (value === undefined) delete item[path[0] as string];
      else item[path[0] as string] = value;
    }
    return item;
  };
}

function byPlaceDown(one: UpdateSection, other: UpdateSection): number {
  const [a, b] = [one.path.at(-1), other.path.at(-1)];
  return typeof a === 'number' && typeof b === 'number' ? b - a : 0;
}

/** An attribute's new value; undefined: none. */
function changed(
  type: UpdateSection['type'],
  before: AttributeValue | undefined,
  value: AttributeValue | undefined,
): AttributeValue | undefined {
  if (type === 'remove') return undefined;
  if (value === undefined) {
    throw validationError('The provided expression refers to an attribute that does not exist in the item');
  }
  if (type === 'set') return value;
  if (before !== undefined && typeOf(before) !== typeOf(value)) throw validationError(WRONG_TYPE);
  if (type === 'delete') return before && changedSet(before, value, 'without');
  if (value.N !== undefined) return { N: added(before?.N ?? '0', value.N) };
  return before === undefined ? value : changedSet(before, value, 'with');
}

function compileOperand(
  operand: UpdateOperand,
  placeholders: Placeholders,
): (item: Readonly<Item>, values: Values) => AttributeValue | undefined {
  if (Array.isArray(operand)) return (item) => valueAt(item, operand as Path);
  const placeholder = placeholders.get(operand as AttributeValue);
  if (placeholder !== undefined) return (_item, values) => values[placeholder];
  const { type, name, args } = operand as UpdateTree;
  const [first, second] = args.map((arg) => compileOperand(arg, placeholders));
  if (first === undefined || second === undefined) throw validationError(WRONG_TYPE);
  if (name === 'if_not_exists') return (item, values) => first(item, values) ?? second(item, values);
  if (name === 'list_append') {
    return (item, values) => {
      const [one, other] = [first(item, values)?.L, second(item, values)?.L];
      if (one === undefined || other === undefined) throw validationError(WRONG_TYPE);
      return { L: [...one, ...other] };
    };
  }
  const sign = type === 'add' ? 1 : -1;
  return (item, values) => {
    const [one, other] = [first(item, values)?.N, second(item, values)?.N];
    if (one === undefined || other === undefined) throw validationError(WRONG_TYPE);
    return { N: added(one, other, sign) };
  };
}
