// Batches of reads and writes: each request separately, some of them left unprocessed.
import type { BatchGetItemInput, BatchWriteItemInput } from '@aws-sdk/client-dynamodb';
import { validationError } from '../errors.ts';
import { expressionsOf } from './expressions.ts';
import { capacities, readUnits } from './limits.ts';
import { projected } from './paths.ts';
import type { FakeDynamoDb } from './service.ts';
import type { Item } from './values.ts';
import { deleteOf, putOf, type Write } from './writes.ts';

export function batchGet(input: BatchGetItemInput, tables: FakeDynamoDb): object {
  const requests = Object.entries(input.RequestItems ?? {}).flatMap(([table, request]) =>
    (request.Keys ?? []).map((key) => ({ table, key, request })),
  );
  checkBatch(requests, tables.limits.batchGetKeys, tables);
  const Responses: Record<string, Item[]> = {};
  const UnprocessedKeys: Record<string, { Keys: Item[] }> = {};
  const units = new Map<string, number>();
  const processed = tables.processed(requests.length);
  let bytes = 0;
  for (const [at, { table, key, request }] of requests.entries()) {
    const { Keys: _keys, ...rest } = request;
    const { ConsistentRead = false, ProjectionExpression, ExpressionAttributeNames } = request;
    const version = tables.read(table, tables.table(table).version(key), ConsistentRead);
    if (at >= processed || (bytes > 0 && bytes + version.bytes > tables.limits.batchGetBytes)) {
      tables.crossed('unprocessed keys');
      UnprocessedKeys[table] ??= { ...rest, Keys: [] };
      UnprocessedKeys[table].Keys.push(key);
      continue;
    }
    bytes += version.bytes;
    const cost = readUnits(version.bytes, ConsistentRead);
    units.set(table, (units.get(table) ?? 0) + cost);
    tables.consumed({ table, key, readUnits: cost });
    const { projection } = expressionsOf({ ProjectionExpression, ExpressionAttributeNames });
    Responses[table] ??= [];
    if (version.item !== undefined) Responses[table].push(projected(version.item, projection));
  }
  return { Responses, UnprocessedKeys, ...capacities(input, units) };
}

export function batchWrite(input: BatchWriteItemInput, tables: FakeDynamoDb): object {
  const requests = Object.entries(input.RequestItems ?? {}).flatMap(([TableName, list]) =>
    list.map((request) => {
      const table = tables.table(TableName);
      const { PutRequest, DeleteRequest } = request;
      const write =
        PutRequest === undefined
          ? deleteOf({ TableName, Key: DeleteRequest?.Key }, table)
          : putOf({ TableName, Item: PutRequest.Item }, table);
      return { write, request };
    }),
  );
  checkBatch(
    requests.map(({ write }) => write),
    tables.limits.batchWriteItems,
    tables,
  );
  const UnprocessedItems: Record<string, object[]> = {};
  const units = new Map<string, number>();
  const processed = tables.processed(requests.length);
  for (const [at, { write, request }] of requests.entries()) {
    const { table } = write;
    if (at >= processed) {
      tables.crossed('unprocessed items');
      UnprocessedItems[table] ??= [];
      UnprocessedItems[table].push(request);
      continue;
    }
    units.set(table, (units.get(table) ?? 0) + tables.write(write).units);
  }
  return { UnprocessedItems, ...capacities(input, units) };
}

function checkBatch(
  requests: readonly Pick<Write, 'table' | 'key'>[],
  most: number,
  tables: FakeDynamoDb,
): void {
  if (requests.length === 0 || requests.length > most) {
    throw validationError(`Too many items requested: a batch has 1 to ${most}, not ${requests.length}`);
  }
  const places = requests.map(({ table: name, key }) => {
    const table = tables.table(name);
    return `${name} ${table.hashOf(key)} ${table.rangeOf(key)}`;
  });
  if (new Set(places).size < requests.length) {
    throw validationError('Provided list of item keys contains duplicates');
  }
}
