// Compiles parsed update expressions to functions from an item to the updated item.
import { validationError } from '../errors.ts';
import { compileOperand, type Operand, type Placeholders, type Value, WRONG_TYPE } from './operands.ts';
import { type Path, valueAt, withValueAt } from './paths.ts';
import { added, changedSet, type Item, typeOf } from './values.ts';

/** One action of an update. */
export interface UpdateSection {
  readonly type: 'set' | 'remove' | 'add' | 'delete';
  readonly path: Path;
  readonly val?: Operand;
}

/** Compiles an update. Every operand refers to the item before the update. */
export function compileUpdate(
  sections: readonly UpdateSection[],
  placeholders: Placeholders,
): (item: Readonly<Item>, values: Readonly<Item>) => Item {
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
function changed(type: UpdateSection['type'], before: Value, value: Value): Value {
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
