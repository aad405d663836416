// TransactWriteItems: all writes or none, at twice the price.
import {
  TransactionCanceledException,
  type TransactWriteItem,
  type TransactWriteItemsInput,
} from '@aws-sdk/client-dynamodb';
import { refused, validationError } from '../errors.ts';
import type { FakeDynamoDb } from './service.ts';
import { deleteOf, holds, putOf, updateOf, type Write } from './writes.ts';

/** Executes a transaction. A failed one is charged like its writes. @throws TransactionCanceledException */
export function transact(input: TransactWriteItemsInput, tables: FakeDynamoDb): object {
  const { transactItems } = tables.limits;
  const items = input.TransactItems ?? [];
  if (items.length === 0 || items.length > transactItems) {
    throw validationError(`a transaction has 1 to ${transactItems} items, not ${items.length}`);
  }
  const writes = items.map((item) => writeOf(item, tables));
  const failed = writes.map((write) => !holds(write, tables.table(write.table).version(write.key)?.item));
  if (!failed.includes(true)) {
    for (const write of writes) tables.write(write, 2);
    return {};
  }
  for (const write of writes) tables.failedCondition(write, 2);
  throw new TransactionCanceledException({
    ...refused('Transaction cancelled, please refer cancellation reasons for specific reasons'),
    CancellationReasons: failed.map((isFailed) => ({ Code: isFailed ? 'ConditionalCheckFailed' : 'None' })),
  });
}

function writeOf({ Put, Update, Delete, ConditionCheck }: TransactWriteItem, tables: FakeDynamoDb): Write {
  if (Put !== undefined) return putOf(Put, tables.table(Put.TableName));
  if (Update !== undefined) return updateOf(Update, tables.table(Update.TableName));
  if (Delete !== undefined) return deleteOf(Delete, tables.table(Delete.TableName));
  if (ConditionCheck === undefined) throw validationError('an item of a transaction says what it does');
  const check = deleteOf(ConditionCheck, tables.table(ConditionCheck.TableName));
  return { ...check, change: (before) => before };
}
