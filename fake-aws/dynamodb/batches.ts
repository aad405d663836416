// Batches of reads and writes: each request separately, some of them left unprocessed.
import type { BatchGetItemInput, BatchWriteItemInput } from '@aws-sdk/client-dynamodb';
import { validationError } from '../errors.ts';
import { capacities } from './capacity.ts';
import { expressionsOf } from './expressions.ts';
import { readUnits } from './limits.ts';
import { projected } from './paths.ts';
import type { FakeDynamoDb } from './service.ts';
import type { Item } from './values.ts';
import { checkKey } from './writes.ts';

export function batchGet(input: BatchGetItemInput, tables: FakeDynamoDb): object {
  const requests = Object.entries(input.RequestItems ?? {}).flatMap(([name, request]) =>
    (request.Keys ?? []).map((Key) => ({ name, Key, request })),
  );
  checkBatch(
    requests,
    tables.limits.batchGetKeys,
    ({ name, Key }) => `${name} ${placeOf(tables, name, Key)}`,
  );
  const Responses: Record<string, Item[]> = {};
  const UnprocessedKeys: Record<string, { Keys: Item[] }> = {};
  const units = new Map<string, number>();
  const processed = tables.processed(requests.length);
  let bytes = 0;
  for (const [at, { name, Key, request }] of requests.entries()) {
    const { Keys: _keys, ...rest } = request;
    const ConsistentRead = request.ConsistentRead ?? false;
    const version = tables.read(name, tables.table(name).version(Key), ConsistentRead);
    if (at >= processed || (bytes > 0 && bytes + version.bytes > tables.limits.batchGetBytes)) {
      tables.crossed('unprocessed keys');
      UnprocessedKeys[name] ??= { ...rest, Keys: [] };
      UnprocessedKeys[name].Keys.push(Key);
      continue;
    }
    bytes += version.bytes;
    const cost = readUnits(version.bytes, ConsistentRead);
    units.set(name, (units.get(name) ?? 0) + cost);
    tables.consumed({ table: name, operation: 'BatchGetItem', key: Key, readUnits: cost });
    const { projection } = expressionsOf({
      ProjectionExpression: request.ProjectionExpression,
      ExpressionAttributeNames: request.ExpressionAttributeNames,
    });
    Responses[name] ??= [];
    if (version.item === undefined) continue;
    Responses[name].push(
      projection === undefined ? { ...version.item } : projected(version.item, projection),
    );
  }
  return { Responses, UnprocessedKeys, ...capacities(input, units) };
}

export function batchWrite(input: BatchWriteItemInput, tables: FakeDynamoDb): object {
  const requests = Object.entries(input.RequestItems ?? {}).flatMap(([name, list]) =>
    list.map((request) => {
      const table = tables.table(name);
      const item = request.PutRequest?.Item;
      const key = item === undefined ? (request.DeleteRequest?.Key ?? {}) : table.keyIn(item);
      checkKey(table, key);
      return { name, key, item: item && { ...item }, request };
    }),
  );
  checkBatch(
    requests,
    tables.limits.batchWriteItems,
    ({ name, key }) => `${name} ${placeOf(tables, name, key)}`,
  );
  const UnprocessedItems: Record<string, object[]> = {};
  const units = new Map<string, number>();
  const processed = tables.processed(requests.length);
  for (const [at, { name, key, item, request }] of requests.entries()) {
    if (at >= processed) {
      tables.crossed('unprocessed items');
      UnprocessedItems[name] ??= [];
      UnprocessedItems[name].push(request);
      continue;
    }
    const operation = 'BatchWriteItem';
    const write = {
      operation,
      table: name,
      key,
      input: {},
      expressions: expressionsOf({}),
      change: () => item,
    };
    units.set(name, (units.get(name) ?? 0) + tables.write(write).units);
  }
  return { UnprocessedItems, ...capacities(input, units) };
}

function placeOf(tables: FakeDynamoDb, name: string, key: Item): string {
  const table = tables.table(name);
  return `${table.hashOf(key)} ${table.rangeOf(key)}`;
}

function checkBatch<T>(requests: readonly T[], most: number, nameOf: (request: T) => string): void {
  if (requests.length === 0 || requests.length > most) {
    throw validationError(`Too many items requested: a batch has 1 to ${most}, not ${requests.length}`);
  }
  if (new Set(requests.map(nameOf)).size < requests.length) {
    throw validationError('Provided list of item keys contains duplicates');
  }
}
