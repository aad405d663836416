// Common alternatives: three ways to add an event to a counter item of an entity and hour, as documented.
import {
  type AttributeValue,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { Meter, meteredAws, TABLES } from '../../plan/meter.ts';
import type { Log } from './real-logs.ts';

/** A plain UpdateItem per event counts a retry twice. The idempotency record is that of Powertools: put first, updated after the work. */
export const OTHERS = ['UpdateItem', 'idempotency record', 'transaction'] as const;
export type Other = (typeof OTHERS)[number];

/** Neither rate nor order matters: a few events show the cost of each. */
const EVENTS = 5_000;
const HOUR = '2026-11-23T08';

/** Write and read units of one event. */
export async function runOther(
  system: Other,
  { metric, entities }: Log,
): Promise<{ writeUnits: number; readUnits: number }> {
  const meter = new Meter();
  const { dynamoDb } = meteredAws({ nowMs: () => 0 }, meter).clients();
  const some = entities.slice(0, EVENTS);
  for (const [index, entity] of some.entries()) {
    const update = addition(entity, metric, index % 60);
    const TableName = TABLES.markers;
    const Key = { pk: { S: `event-${index}` }, sk: { S: 'M' } };
    const Item = { ...Key, expiresAt: { N: '1800000000' } };
    const marker = { TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' };
    if (system === 'transaction') {
      const TransactItems = [{ Put: marker }, { Update: update }];
      await dynamoDb.send(new TransactWriteItemsCommand({ TransactItems }));
      continue;
    }
    if (system === 'idempotency record') await dynamoDb.send(new PutItemCommand(marker));
    await dynamoDb.send(new UpdateItemCommand(update));
    if (system === 'idempotency record') {
      const completed = {
        UpdateExpression: 'SET completed = :true',
        ExpressionAttributeValues: { ':true': { BOOL: true } },
      };
      await dynamoDb.send(new UpdateItemCommand({ TableName, Key, ...completed }));
    }
  }
  const { writeUnits, readUnits } = meter.total();
  return { writeUnits: writeUnits / some.length, readUnits: readUnits / some.length };
}

function addition(entity: string, metric: string, minute: number) {
  const value: Record<string, AttributeValue> = { ':n': { N: '1' } };
  return {
    TableName: TABLES.counts,
    Key: { pk: { S: entity }, sk: { S: `${metric}#${HOUR}` } },
    UpdateExpression: `ADD n :n, m${String(minute).padStart(2, '0')} :n`,
    ExpressionAttributeValues: value,
  };
}
