// DynamoDB's limits and prices. Tests and simulations reduce limits, so that small runs cross them.
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import { NotSimulated } from '../errors.ts';

/** Limits of one request or item. */
export interface DynamoDbLimits {
  readonly itemBytes: number;
  /** Bytes that a Query or Scan reads for one page. */
  readonly pageBytes: number;
  readonly batchGetKeys: number;
  /** Bytes that a BatchGetItem returns; the rest is left unprocessed. */
  readonly batchGetBytes: number;
  readonly batchWriteItems: number;
  readonly transactItems: number;
}

export const DYNAMODB_LIMITS: DynamoDbLimits = {
  itemBytes: 400 * 1024,
  pageBytes: 1_048_576,
  batchGetKeys: 100,
  batchGetBytes: 16 * 1_048_576,
  batchWriteItems: 25,
  transactItems: 100,
};

/** Write units of an item of this size: one for each KB, at least one. */
export function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 1024));
}

/** Read units for this many bytes: one for each 4 KB, at least one; half for an eventually consistent read. */
export function readUnits(bytes: number, isConsistent: boolean): number {
  return Math.max(1, Math.ceil(bytes / 4096)) * (isConsistent ? 1 : 0.5);
}

interface CapacityAsked {
  readonly ReturnConsumedCapacity?: string | undefined;
}

/** The part of an answer with the capacity one table's request consumed, if requested. */
export function capacity(
  input: CapacityAsked,
  table: string,
  units: number,
): { ConsumedCapacity?: ConsumedCapacity } {
  const { ReturnConsumedCapacity: asked = 'NONE' } = input;
  if (asked === 'NONE') return {};
  if (asked !== 'TOTAL') throw new NotSimulated(`ReturnConsumedCapacity ${asked}`);
  return { ConsumedCapacity: { TableName: table, CapacityUnits: units } };
}

/** The same for a batch, by table. */
export function capacities(input: CapacityAsked, units: ReadonlyMap<string, number>): object {
  const { ReturnConsumedCapacity: asked = 'NONE' } = input;
  if (asked === 'NONE') return {};
  return {
    ConsumedCapacity: [...units].map(([TableName, CapacityUnits]) => ({ TableName, CapacityUnits })),
  };
}
