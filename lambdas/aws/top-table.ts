// The top lists on DynamoDB: items of the ledger's table, whose keys no client chooses.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import { decodeTop, EMPTY_TOP, encodeTop } from '../counting/top-list.ts';
import { type TopName, topKey, topNameIn } from '../counting/top-name.ts';
import type { EntityTops, StoredTop, TopStore } from '../level-ports.ts';
import { ledgerKeys } from './ledger-items.ts';

/** The ledger's table, as the compactor keeps top lists in it and the query reads them. */
export class TopTable implements TopStore, EntityTops {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async readTop(name: TopName): Promise<StoredTop> {
    const Key = ledgerKeys.top(name);
    const get = new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true });
    const { Item } = await this.#client.send(get);
    return Item === undefined ? { list: EMPTY_TOP, revision: 0, expiresAt: undefined } : topIn(Item);
  }

  async *topsOf(metric: string): AsyncIterable<{ readonly name: TopName; readonly top: StoredTop }> {
    const { pk } = topKey({ metric, by: 'hour', startMs: 0 });
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: pk } },
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) {
      for (const item of Items) {
        yield { name: topNameIn({ pk, sk: item['sk']?.S ?? '' }), top: topIn(item) };
      }
    }
  }

  async putTop(name: TopName, { list, revision, expiresAt }: StoredTop): Promise<'put' | 'conflict'> {
    const first = revision === 1;
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: {
        ...ledgerKeys.top(name),
        rev: { N: String(revision) },
        top: { B: deflateRawSync(encodeTop(list)) },
        ...(expiresAt !== undefined && { expiresAt: { N: String(expiresAt) } }),
      },
      ConditionExpression: first ? 'attribute_not_exists(pk)' : 'rev = :previous',
      ...(!first && { ExpressionAttributeValues: { ':previous': { N: String(revision - 1) } } }),
    });
    try {
      await this.#client.send(put);
      return 'put';
    } catch (error) {
      // Somebody else's list, or this very one, whose answer was lost and which the SDK sent again: reading tells.
      if (error instanceof ConditionalCheckFailedException) return 'conflict';
      throw error;
    }
  }
}

function topIn(item: Record<string, AttributeValue>): StoredTop {
  const packed = item['top']?.B;
  const expiresAt = item['expiresAt']?.N;
  return {
    list: packed === undefined ? EMPTY_TOP : decodeTop(inflateRawSync(packed).toString('utf8')),
    revision: Number(item['rev']?.N ?? 0),
    expiresAt: expiresAt === undefined ? undefined : Number(expiresAt),
  };
}
