// The consumed capacity in answers.
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import { NotSimulated } from '../errors.ts';

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
