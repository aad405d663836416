// Which entities were deleted on request: items of the ledger, one for each, that hold a hash and a time.
import { type DynamoDBClient, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb';
import type { DeletedEntities } from '../counting/deleted-entities.ts';
import type { DeletionRegister } from '../ports.ts';
import { DELETED_PK, ledgerKeys } from './ledger-items.ts';

/** The ledger's register of deletions. Its items never expire: an audit against an old copy of the events must know of them. */
export class LedgerDeletionRegister implements DeletionRegister {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async noteDeletion(entityHash: string, throughMs: number): Promise<void> {
    const Item = { ...ledgerKeys.deleted(entityHash), throughMs: { N: String(throughMs) } };
    await this.#client.send(new PutItemCommand({ TableName: this.#table, Item }));
  }

  async deletions(): Promise<DeletedEntities> {
    const deleted = new Map<string, number>();
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: DELETED_PK } },
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) {
      for (const { sk, throughMs } of Items) deleted.set(sk?.S ?? '', Number(throughMs?.N ?? 0));
    }
    return deleted;
  }
}
