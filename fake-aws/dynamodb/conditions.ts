// Compiles parsed conditions and filters to functions of an item.
import { NotSimulated, validationError } from '../errors.ts';
import { compileOperand, type Placeholders, type Tree, type Value } from './operands.ts';
import { compareValues, equalValues, hasElement, type Item } from './values.ts';

type Test = (item: Readonly<Item>, values: Readonly<Item>) => boolean;

/** Comparisons and functions of up to three operands. */
const TESTS: Readonly<Record<string, (one: Value, two: Value, three: Value) => boolean>> = {
  '=': equal,
  '<>': (one, other) => !equal(one, other),
  '<': (one, other) => ordered(one, other, (order) => order < 0),
  '<=': (one, other) => ordered(one, other, (order) => order <= 0),
  '>': (one, other) => ordered(one, other, (order) => order > 0),
  '>=': (one, other) => ordered(one, other, (order) => order >= 0),
  between: (value, low, high) => {
    checkBounds(low, high);
    return ordered(value, low, (order) => order >= 0) && ordered(value, high, (order) => order <= 0);
  },
  attribute_exists: (value) => value !== undefined,
  attribute_not_exists: (value) => value === undefined,
  begins_with: beginsWith,
  contains,
};

/** Compiles a condition. A missing item is an empty one. */
export function compileCondition(tree: Tree, placeholders: Placeholders): Test {
  const { type, name = type, args } = tree;
  if (type === 'and' || type === 'or' || type === 'not') {
    const tests = args.map((arg) => compileCondition(arg as Tree, placeholders));
    if (type === 'and') return (item, values) => tests.every((test) => test(item, values));
    if (type === 'or') return (item, values) => tests.some((test) => test(item, values));
    return (item, values) => !tests.some((test) => test(item, values));
  }
  const operands = args.map((arg) => compileOperand(arg, placeholders));
  const [first, second, third] = operands;
  if (type === 'in') {
    return (item, values) => {
      const value = first?.(item, values);
      return operands.slice(1).some((candidate) => equal(value, candidate(item, values)));
    };
  }
  const test = TESTS[name];
  if (test === undefined) throw new NotSimulated(`condition ${name}`);
  return (item, values) => test(first?.(item, values), second?.(item, values), third?.(item, values));
}

function equal(one: Value, other: Value): boolean {
  return one !== undefined && other !== undefined && equalValues(one, other);
}

function ordered(one: Value, other: Value, holds: (order: number) => boolean): boolean {
  if (one === undefined || other === undefined) return false;
  const order = compareValues(one, other);
  return order !== undefined && holds(order);
}

/** @throws ValidationException when the bounds of a BETWEEN are in the wrong order */
export function checkBounds(low: Value, high: Value): void {
  if (low !== undefined && high !== undefined && (compareValues(low, high) ?? 0) > 0) {
    throw validationError(
      'The BETWEEN operator requires upper bound to be greater than or equal to lower bound',
    );
  }
}

function beginsWith(value: Value, start: Value): boolean {
  if (value?.S !== undefined && start?.S !== undefined) return value.S.startsWith(start.S);
  if (value?.B === undefined || start?.B === undefined) return false;
  return Buffer.compare(value.B.subarray(0, start.B.byteLength), start.B) === 0;
}

function contains(container: Value, value: Value): boolean {
  if (container === undefined || value === undefined) return false;
  if (container.S !== undefined) return value.S !== undefined && container.S.includes(value.S);
  if (container.B !== undefined)
    return value.B !== undefined && Buffer.from(container.B).includes(Buffer.from(value.B));
  if (container.L !== undefined) return container.L.some((element) => equalValues(element, value));
  return hasElement(container, value);
}
