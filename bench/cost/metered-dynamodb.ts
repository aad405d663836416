// DynamoDB in memory, metered: every call is charged by the documented formula to a line of the bill.
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FakeAws } from '../../fake-aws/aws.ts';
import type { Item } from '../../fake-aws/dynamodb/values.ts';
import { lineName, type Meter, TABLES } from './meter.ts';

/** A client of tables in memory. */
export interface MeteredDynamoDb {
  readonly client: DynamoDBClient;
  /** What a table holds. */
  items(table: string): Iterable<Item>;
}

/** Makes the tables of everything that is compared, and a client of them that charges a meter. */
export function meteredDynamoDb(meter: Meter): MeteredDynamoDb {
  const { dynamoDb } = new FakeAws({
    clock: { nowMs: Date.now },
    dynamoDb: {
      ttlDelayMs: () => Number.POSITIVE_INFINITY,
      onConsumed: ({ table, operation, key, readUnits, writeUnits, failed }) => {
        const name = lineName(table, key?.['sk']?.S, operation === 'UpdateItem');
        // A transaction is one call, whatever it writes.
        const calls = operation === 'TransactWriteItems' ? 0 : 1;
        if (failed) meter.note(name, { calls, failed: 1, failedUnits: writeUnits });
        else meter.note(name, { calls, readUnits, writeUnits });
      },
    },
  });
  for (const name of Object.values(TABLES)) {
    const hasId = name === TABLES.idempotency;
    dynamoDb.addTable(name, hasId ? { hash: { name: 'id', type: 'S' }, range: undefined } : {});
  }
  const client = dynamoDb.client((call, effect) => {
    if (call.operation === 'TransactWriteItems') meter.note('transactions', { calls: 1 });
    return Promise.resolve(effect());
  });
  return { client, items: (table) => dynamoDb.table(table).items() };
}
