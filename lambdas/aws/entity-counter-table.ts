// All of the counter table's items of one entity, whatever their metric and level: one query, since they share the partition key.
import {
  type AttributeValue,
  BatchWriteItemCommand,
  type DynamoDBClient,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import type { CounterKey } from '../counting/counter-item.ts';
import type { EntityCounters } from '../ports.ts';

/** Most deletions in one request. */
const BATCH_ITEMS_MAX = 25;

/** The counter table, entity by entity. */
export class EntityCounterTable implements EntityCounters {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async *itemsOf(entity: string) {
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: entity } },
        ProjectionExpression: 'pk, sk, e',
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) {
      yield Items.map(({ pk, sk, e }) => ({
        key: { pk: pk?.S ?? '', sk: sk?.S ?? '' },
        events: Number(e?.N ?? 0),
      }));
    }
  }

  async remove(keys: readonly CounterKey[]): Promise<void> {
    for (let at = 0; at < keys.length; at += BATCH_ITEMS_MAX) {
      let requests: { DeleteRequest: { Key: Record<string, AttributeValue> } }[] = keys
        .slice(at, at + BATCH_ITEMS_MAX)
        .map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk: { S: pk }, sk: { S: sk } } } }));
      while (requests.length > 0) {
        const command = new BatchWriteItemCommand({ RequestItems: { [this.#table]: requests } });
        const { UnprocessedItems } = await this.#client.send(command);
        requests = (UnprocessedItems?.[this.#table] ?? []) as typeof requests;
      }
    }
  }
}
