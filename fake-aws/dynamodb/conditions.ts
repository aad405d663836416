// Compiles parsed conditions and filters to functions of an item.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { NotSimulated, validationError } from '../errors.ts';
import { type Path, valueAt } from './paths.ts';
import { compareValues, equalValues, hasElement, type Item } from './values.ts';

/** A parsed condition: an operator or function and its operands. */
export interface ConditionTree {
  readonly type: string;
  readonly name?: string;
  readonly args: readonly Operand[];
}

/** A path, the value of a placeholder, or a function's result. */
export type Operand = Path | AttributeValue | ConditionTree;

type Placeholders = ReadonlyMap<AttributeValue, string>;
type Test = (item: Readonly<Item>, values: Readonly<Item>) => boolean;
type Get = (item: Readonly<Item>, values: Readonly<Item>) => AttributeValue | undefined;

/** Whether an order satisfies a comparison. */
const ORDERS: Readonly<Record<string, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** Compiles a condition. A missing item is an empty one. */
export function compileCondition(tree: ConditionTree, placeholders: Placeholders): Test {
  const { type, args } = tree;
  if (type === 'and' || type === 'or') {
    const tests = args.map((arg) => compileCondition(arg as ConditionTree, placeholders));
    return type === 'and'
      ? (item, values) => tests.every((test) => test(item, values))
      : (item, values) => tests.some((test) => test(item, values));
  }
  if (type === 'not') {
    const test = compileCondition(args[0] as ConditionTree, placeholders);
    return (item, values) => !test(item, values);
  }
  const [first, second, third] = args.map((arg) => compileOperand(arg, placeholders)) as [Get, Get, Get];
  const order = ORDERS[type];
  if (order !== undefined) return (item, values) => ordered(first(item, values), second(item, values), order);
  switch (type === 'function' ? tree.name : type) {
    case '=':
      return (item, values) => equal(first(item, values), second(item, values));
    case '<>':
      return (item, values) => !equal(first(item, values), second(item, values));
    case 'between':
      return (item, values) => between(first(item, values), second(item, values), third(item, values));
    case 'in': {
      const candidates = args.slice(1).map((arg) => compileOperand(arg, placeholders));
      return (item, values) => {
        const value = first(item, values);
        return candidates.some((candidate) => equal(value, candidate(item, values)));
      };
    }
    case 'attribute_exists':
      return (item, values) => first(item, values) !== undefined;
    case 'attribute_not_exists':
      return (item, values) => first(item, values) === undefined;
    case 'begins_with':
      return (item, values) => beginsWith(first(item, values), second(item, values));
    case 'contains':
      return (item, values) => contains(first(item, values), second(item, values));
    default:
      throw new NotSimulated(`condition ${tree.name ?? type}`);
  }
}

function compileOperand(operand: Operand, placeholders: Placeholders): Get {
  if (Array.isArray(operand)) {
    const path = operand as Path;
    const [name] = path;
    if (path.length === 1) return (item) => item[name as string];
    return (item) => valueAt(item, path);
  }
  const placeholder = placeholders.get(operand as AttributeValue);
  if (placeholder !== undefined) return (_item, values) => values[placeholder];
  const { name, args } = operand as ConditionTree;
  if (name !== 'size' || args[0] === undefined) throw new NotSimulated(`operand ${name}`);
  const of = compileOperand(args[0], placeholders);
  return (item, values) => sizeOf(of(item, values));
}

function sizeOf(value: AttributeValue | undefined): AttributeValue | undefined {
  if (value === undefined) return undefined;
  const { S, B, SS, NS, BS, L, M } = value;
  const size =
    (S === undefined ? undefined : Buffer.byteLength(S)) ??
    B?.byteLength ??
    (SS ?? NS ?? BS ?? L)?.length ??
    (M === undefined ? undefined : Object.keys(M).length);
  return size === undefined ? undefined : { N: String(size) };
}

function equal(one: AttributeValue | undefined, other: AttributeValue | undefined): boolean {
  return one !== undefined && other !== undefined && equalValues(one, other);
}

function ordered(
  one: AttributeValue | undefined,
  other: AttributeValue | undefined,
  holds: (order: number) => boolean,
): boolean {
  if (one === undefined || other === undefined) return false;
  const order = compareValues(one, other);
  return order !== undefined && holds(order);
}

function between(
  value: AttributeValue | undefined,
  low: AttributeValue | undefined,
  high: AttributeValue | undefined,
): boolean {
  if (low !== undefined && high !== undefined && (compareValues(low, high) ?? 0) > 0) {
    throw validationError(
      'The BETWEEN operator requires upper bound to be greater than or equal to lower bound',
    );
  }
  return ordered(value, low, (order) => order >= 0) && ordered(value, high, (order) => order <= 0);
}

function beginsWith(value: AttributeValue | undefined, start: AttributeValue | undefined): boolean {
  if (value?.S !== undefined && start?.S !== undefined) return value.S.startsWith(start.S);
  if (value?.B === undefined || start?.B === undefined) return false;
  return Buffer.compare(value.B.subarray(0, start.B.byteLength), start.B) === 0;
}

function contains(container: AttributeValue | undefined, value: AttributeValue | undefined): boolean {
  if (container === undefined || value === undefined) return false;
  if (container.S !== undefined) return value.S !== undefined && container.S.includes(value.S);
  if (container.B !== undefined)
    return value.B !== undefined && Buffer.from(container.B).includes(Buffer.from(value.B));
  if (container.L !== undefined) return container.L.some((element) => equalValues(element, value));
  return hasElement(container, value);
}
