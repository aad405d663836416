// The counter items as the audit sees them: whole items by key, all keys by page, and the one rewrite of a repair.
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { AuditedCounters } from '../audit-ports.ts';
import type { ExpectedItem, StoredItem } from '../counting/audit.ts';
import { type CounterKey, minuteAttribute } from '../counting/counter-item.ts';

type Item = Record<string, AttributeValue>;

const MINUTES = Array.from({ length: 60 }, (_, minute) => [minute, minuteAttribute(minute)] as const);

/** The counter table, read for the audit and rewritten for a repair. */
export class AuditedCounterTable implements AuditedCounters {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #pageItems: number | undefined;

  /** @param pageItems most items in a page of a scan; undefined: the megabyte that DynamoDB reads at once */
  constructor(client: DynamoDBClient, table: string, pageItems?: number) {
    this.#client = client;
    this.#table = table;
    this.#pageItems = pageItems;
  }

  async readItems(keys: readonly CounterKey[]): Promise<readonly (StoredItem | undefined)[]> {
    const found = new Map<string, StoredItem>();
    let Keys = keys.map(itemKey);
    while (Keys.length > 0) {
      const request = { RequestItems: { [this.#table]: { Keys, ConsistentRead: true } } };
      const { Responses, UnprocessedKeys } = await this.#client.send(new BatchGetItemCommand(request));
      for (const item of Responses?.[this.#table] ?? []) {
        found.set(nameOf(item['pk']?.S ?? '', item['sk']?.S ?? ''), toStoredItem(item));
      }
      Keys = (UnprocessedKeys?.[this.#table]?.Keys ?? []) as ReturnType<typeof itemKey>[];
    }
    return keys.map(({ pk, sk }) => found.get(nameOf(pk, sk)));
  }

  async scanKeys(after: CounterKey | undefined) {
    const { Items = [], LastEvaluatedKey } = await this.#client.send(
      new ScanCommand({
        TableName: this.#table,
        ProjectionExpression: 'pk, sk',
        Limit: this.#pageItems,
        ExclusiveStartKey: after && itemKey(after),
      }),
    );
    return { keys: Items.map(keyIn), next: LastEvaluatedKey && keyIn(LastEvaluatedKey) };
  }

  async rewrite(
    expected: ExpectedItem,
    stored: StoredItem | undefined,
    expiresAt: number | undefined,
  ): Promise<'rewritten' | 'changed-meanwhile'> {
    const values: Item = { ':n': { N: String(expected.total) }, ':e': { N: String(expected.events) } };
    const sets = ['n = :n', 'e = :e'];
    const removes = [];
    if (expected.applied.size > 0) {
      values[':applied'] = { SS: [...expected.applied] };
      sets.push('applied = :applied');
    } else removes.push('applied');
    for (const [minute, attribute] of MINUTES) {
      const sum = expected.minutes.get(minute);
      if (sum === undefined) removes.push(attribute);
      else {
        values[`:${attribute}`] = { N: String(sum) };
        sets.push(`${attribute} = :${attribute}`);
      }
    }
    if (stored === undefined && expiresAt !== undefined) {
      values[':expiresAt'] = { N: String(expiresAt) };
      sets.push('expiresAt = :expiresAt');
    }
    const remove = removes.length > 0 ? ` REMOVE ${removes.join(', ')}` : '';
    try {
      await this.#client.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: itemKey(expected.key),
          UpdateExpression: `SET ${sets.join(', ')}${remove}`,
          ConditionExpression: unchanged(stored, values),
          ExpressionAttributeValues: values,
        }),
      );
      return 'rewritten';
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return 'changed-meanwhile';
      throw error;
    }
  }
}

/** The condition that an item is as it was read; its values are added to `values`. */
function unchanged(stored: StoredItem | undefined, values: Item): string {
  if (stored === undefined) return 'attribute_not_exists(pk)';
  values[':oldEvents'] = { N: String(stored.events) };
  values[':oldTotal'] = { N: String(stored.total) };
  // An item that somebody else made may have no sums at all; it was read as if they were 0.
  const events = stored.events === 0 ? '(e = :oldEvents OR attribute_not_exists(e))' : 'e = :oldEvents';
  const total = stored.total === 0n ? '(n = :oldTotal OR attribute_not_exists(n))' : 'n = :oldTotal';
  const sums = `${events} AND ${total}`;
  if (stored.applied.size === 0) return `${sums} AND attribute_not_exists(applied)`;
  values[':oldApplied'] = { SS: [...stored.applied] };
  return `${sums} AND applied = :oldApplied`;
}

function itemKey({ pk, sk }: CounterKey) {
  return { pk: { S: pk }, sk: { S: sk } };
}

function keyIn({ pk, sk }: Item): CounterKey {
  return { pk: pk?.S ?? '', sk: sk?.S ?? '' };
}

function nameOf(pk: string, sk: string): string {
  return JSON.stringify([pk, sk]);
}

function toStoredItem(item: Item): StoredItem {
  const minutes = new Map<number, bigint>();
  for (const [minute, attribute] of MINUTES) {
    const sum = item[attribute]?.N;
    if (sum !== undefined) minutes.set(minute, BigInt(sum));
  }
  const expiresAt = item['expiresAt']?.N;
  return {
    total: BigInt(item['n']?.N ?? 0),
    events: Number(item['e']?.N ?? 0),
    minutes,
    applied: new Set(item['applied']?.SS ?? []),
    expiresAt: expiresAt === undefined ? undefined : Number(expiresAt),
  };
}
