// Query and Scan: pages of items, each up to a size or a number.
import type { QueryInput, ScanInput } from '@aws-sdk/client-dynamodb';
import { onlyKnown } from '../errors.ts';
import { type Expressions, expressionsOf } from './expressions.ts';
import { keyRange } from './key-conditions.ts';
import { capacity, readUnits } from './limits.ts';
import { projected } from './paths.ts';
import type { FakeDynamoDb } from './service.ts';
import type { Table, Version } from './table.ts';
import type { Item } from './values.ts';

type Found = Iterable<readonly [key: Item, version: Version]>;

/** Parameters of every read. */
export const READ_FIELDS =
  'TableName ConsistentRead ReturnConsumedCapacity ProjectionExpression ExpressionAttributeNames';
const PAGE_FIELDS = `${READ_FIELDS} FilterExpression ExpressionAttributeValues ExclusiveStartKey Limit Select`;

export function query(input: QueryInput, tables: FakeDynamoDb): object {
  onlyKnown('Query', input, `${PAGE_FIELDS} KeyConditionExpression ScanIndexForward`);
  const { TableName, ExclusiveStartKey, ExpressionAttributeValues: values = {} } = input;
  const table = tables.table(TableName);
  const expressions = expressionsOf(input);
  const { hash, ...range } = keyRange(expressions, values, table.settings);
  const after = ExclusiveStartKey && table.rangeOf(ExclusiveStartKey);
  const descending = input.ScanIndexForward === false;
  return page('Query', input, expressions, partition(table, hash, { ...range, after, descending }), tables);
}

export function scan(input: ScanInput, tables: FakeDynamoDb): object {
  onlyKnown('Scan', input, `${PAGE_FIELDS} Segment TotalSegments`);
  const found = tables
    .table(input.TableName)
    .scan(input.ExclusiveStartKey, input.Segment, input.TotalSegments);
  return page('Scan', input, expressionsOf(input), found, tables);
}

function* partition(table: Table, hash: string, range: Parameters<Table['inOrder']>[1]): Found {
  for (const [name, version] of table.inOrder(hash, range)) yield [table.keyOf(hash, name), version];
}

/** One page: it ends after a number of items, or before the item that exceeds its size. */
function page(
  operation: 'Query' | 'Scan',
  input: QueryInput & ScanInput,
  { filter, projection }: Expressions,
  found: Found,
  tables: FakeDynamoDb,
): object {
  const { TableName = '', ConsistentRead = false, Limit = Number.POSITIVE_INFINITY } = input;
  const Items: Item[] = [];
  const keys: Item[] = [];
  let bytes = 0;
  // The service returns a key to continue from even if nothing follows the last item that it may read.
  let end: 'page' | 'limit' | undefined;
  for (const [key, newest] of found) {
    const version = tables.read(TableName, newest, ConsistentRead);
    const { item } = version;
    if (item === undefined) continue;
    if (keys.length > 0 && bytes + version.bytes > tables.limits.pageBytes) {
      end = 'page';
      break;
    }
    keys.push(key);
    bytes += version.bytes;
    if (filter?.(item, input.ExpressionAttributeValues ?? {}) ?? true) {
      Items.push(projected(item, projection));
    }
    if (keys.length >= Limit) {
      end = 'limit';
      break;
    }
  }
  if (end !== undefined) tables.crossed(`${operation.toLowerCase()} ${end}`);
  const units = readUnits(bytes, ConsistentRead);
  tables.consumed({ table: TableName, key: keys[0], readUnits: units });
  return {
    ...(input.Select === 'COUNT' ? {} : { Items }),
    Count: Items.length,
    ScannedCount: keys.length,
    ...(end !== undefined && { LastEvaluatedKey: keys.at(-1) }),
    ...capacity(input, TableName, units),
  };
}
