// Writes of one item: their effect and their conditions.
import type { DeleteItemInput, PutItemInput, UpdateItemInput } from '@aws-sdk/client-dynamodb';
import { validationError } from '../errors.ts';
import { type Expressions, expressionsOf } from './expressions.ts';
import type { Table } from './table.ts';
import type { Item } from './values.ts';

/** A write of one item by any operation. */
export interface Write {
  readonly table: string;
  readonly key: Item;
  readonly input: Pick<
    UpdateItemInput,
    'ConditionExpression' | 'ExpressionAttributeValues' | 'ReturnValuesOnConditionCheckFailure'
  >;
  readonly expressions: Expressions;
  /** The item after the write; undefined: none. */
  readonly change: (before: Item | undefined) => Item | undefined;
}

/** A put as a write. */
export function putOf(input: PutItemInput, table: Table): Write {
  // A copy: later changes of the caller's object are not writes.
  const item = { ...input.Item };
  const key = table.keyIn(item);
  return { table: input.TableName ?? '', key, input, expressions: expressionsOf(input), change: () => item };
}

/** An update as a write. */
export function updateOf(input: UpdateItemInput, table: Table): Write {
  const { TableName = '', Key: key = {}, ExpressionAttributeValues: values = {} } = input;
  checkKey(table, key);
  const expressions = expressionsOf(input);
  const { hash, range } = table.settings;
  if (expressions.updated.some(([name]) => name === hash.name || name === range?.name)) {
    throw validationError('Cannot update attribute: This attribute is part of the key');
  }
  const change = (before: Item | undefined) =>
    expressions.update?.(before ?? key, values) ?? { ...(before ?? key) };
  return { table: TableName, key, input, expressions, change };
}

/** A deletion as a write. */
export function deleteOf(input: DeleteItemInput, table: Table): Write {
  const { TableName = '', Key: key = {} } = input;
  checkKey(table, key);
  return { table: TableName, key, input, expressions: expressionsOf(input), change: () => undefined };
}

/** Whether a write's condition holds for the existing item. */
export function holds({ expressions, input }: Write, before: Item | undefined): boolean {
  return expressions.condition?.(before ?? {}, input.ExpressionAttributeValues ?? {}) ?? true;
}

/** @throws ValidationException when a key has attributes other than the table's */
export function checkKey({ settings }: Table, key: Item): void {
  if (Object.keys(key).length !== (settings.range === undefined ? 1 : 2)) {
    throw validationError('The provided key element does not match the schema');
  }
}
