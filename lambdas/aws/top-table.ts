// The top lists on DynamoDB: items of the ledger's table, whose keys no client chooses.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { decodeTop, EMPTY_TOP, encodeTop } from '../counting/top-list.ts';
import type { TopName } from '../counting/top-name.ts';
import type { StoredTop, TopStore } from '../ports.ts';
import { ledgerKeys } from './ledger-items.ts';

/** The ledger's table, as the compactor keeps top lists in it and the query reads them. */
export class TopTable implements TopStore {
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
    const packed = Item?.['top']?.B;
    if (packed === undefined) return { list: EMPTY_TOP, revision: 0, expiresAt: undefined };
    const expiresAt = Item?.['expiresAt']?.N;
    return {
      list: decodeTop(inflateRawSync(packed).toString('utf8')),
      revision: Number(Item?.['rev']?.N ?? 0),
      expiresAt: expiresAt === undefined ? undefined : Number(expiresAt),
    };
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
