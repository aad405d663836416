// The levels on DynamoDB: reading their items, and the one conditional write that sets sums.
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { CounterKey } from '../counting/counter-item.ts';
import {
  type CompactedLevel,
  type Level,
  type LevelChange,
  type LevelItem,
  type LevelName,
  levelChangeParams,
  levelItemOf,
  levelKey,
  startOfLevelKey,
} from '../counting/levels.ts';
import type { LevelStore } from '../level-ports.ts';

/** The counter table's items of levels. */
export class LevelTable implements LevelStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async readLevel(name: LevelName): Promise<LevelItem | undefined> {
    const Key = keyOf(levelKey(name));
    const get = new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true });
    const { Item } = await this.#client.send(get);
    return Item && toLevelItem(name.level, Item);
  }

  async *levelItems(
    { level, metric, entity }: Pick<LevelName, 'metric' | 'entity'> & { readonly level: CompactedLevel },
    fromMs: number,
    toMs: number,
  ): AsyncIterable<LevelItem> {
    if (fromMs >= toMs) return;
    const from = levelKey({ level, metric, entity, startMs: fromMs });
    const to = levelKey({ level, metric, entity, startMs: toMs - 1 });
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':pk': { S: from.pk }, ':from': { S: from.sk }, ':to': { S: to.sk } },
        // A claim that was read before vouches for what was set before it.
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) for (const item of Items) yield toLevelItem(level, item);
  }

  async setSums(change: LevelChange): Promise<'set' | 'conflict'> {
    try {
      const update = new UpdateItemCommand({
        TableName: this.#table,
        Key: keyOf(levelKey(change.name)),
        ...levelChangeParams(change),
      });
      await this.#client.send(update);
      return 'set';
    } catch (error) {
      // Somebody else's change, or this very one, whose answer was lost and which the SDK sent again: reading tells.
      if (error instanceof ConditionalCheckFailedException) return 'conflict';
      throw error;
    }
  }
}

function keyOf({ pk, sk }: CounterKey) {
  return { pk: { S: pk }, sk: { S: sk } };
}

function toLevelItem(level: Level, item: Record<string, AttributeValue>): LevelItem {
  const sk = item['sk']?.S ?? '';
  const startMs = startOfLevelKey(level, sk);
  if (startMs === undefined) throw new Error(`item with sort key ${sk} is none of the level ${level}`);
  return levelItemOf(level, startMs, Object.keys(item), (attribute) => item[attribute]?.N);
}
