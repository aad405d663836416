// Document paths: reads, replaces and removes values without changing the item itself.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { validationError } from '../errors.ts';
import type { Item } from './values.ts';

/** Names of attributes and indexes in lists, from the item down. */
export type Path = readonly (string | number)[];

/** The value at a path. */
export function valueAt(item: Readonly<Item>, path: Path): AttributeValue | undefined {
  let value: AttributeValue | undefined = item[path[0] as string];
  for (let at = 1; at < path.length && value !== undefined; at += 1) value = within(value, path[at]);
  return value;
}

function within(value: AttributeValue, piece: string | number | undefined): AttributeValue | undefined {
  return typeof piece === 'number' ? value.L?.[piece] : value.M?.[piece ?? ''];
}

/** A copy with another value at a path; undefined removes it. @throws ValidationException for a path into nothing */
export function withValueAt(item: Readonly<Item>, path: Path, value: AttributeValue | undefined): Item {
  const [name, ...rest] = path as readonly [string, ...(string | number)[]];
  const inner = rest.length === 0 ? value : changedWithin(item[name], rest, value);
  const changed = { ...item };
  if (inner === undefined) delete changed[name];
  else changed[name] = inner;
  return changed;
}

function changedWithin(
  parent: AttributeValue | undefined,
  [piece, ...rest]: Path,
  value: AttributeValue | undefined,
): AttributeValue {
  const inner = (child: AttributeValue | undefined) =>
    rest.length === 0 ? value : changedWithin(child, rest, value);
  if (typeof piece === 'number' && parent?.L !== undefined) {
    const list = [...parent.L];
    const changed = inner(list[piece]);
    if (changed === undefined) list.splice(piece, 1);
    else list[Math.min(piece, list.length)] = changed;
    return { L: list };
  }
  if (typeof piece === 'string' && parent?.M !== undefined) {
    return { M: withValueAt(parent.M, [piece], inner(parent.M[piece])) };
  }
  throw validationError('The document path provided in the update expression is invalid for update');
}

/** The parts of an item that paths select; without paths, a copy of it. */
export function projected(item: Readonly<Item>, paths: readonly Path[] | undefined): Item {
  if (paths === undefined) return { ...item };
  const parts: Item = {};
  for (const path of paths) {
    const value = valueAt(item, path);
    if (value !== undefined) put(parts, path, value);
  }
  return parts;
}

function put(into: Item, [name, ...rest]: Path, value: AttributeValue): void {
  const key = name as string;
  if (rest.length === 0) into[key] = value;
  else into[key] = nested(into[key], rest, value);
}

/** A container with a value deep inside; list elements close up, as in DynamoDB's answers. */
function nested(
  container: AttributeValue | undefined,
  [piece, ...rest]: Path,
  value: AttributeValue,
): AttributeValue {
  if (typeof piece === 'number') {
    return { L: [...(container?.L ?? []), rest.length === 0 ? value : nested(undefined, rest, value)] };
  }
  const map = { ...container?.M };
  put(map, [piece as string, ...rest], value);
  return { M: map };
}
