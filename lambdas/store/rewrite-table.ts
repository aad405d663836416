// Changes by operators to stored rows of deltas and late items; and the list of periods.
import {
  type DynamoDBClient,
  paginateQuery,
  paginateScan,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { succeeds } from '../aws/conditional-write.ts';
import type { DeltaName } from '../core/delta.ts';
import type { HashRange } from '../core/hash-range.ts';
import { type Level, type Period, parsePeriod, type UpperLevel } from '../core/level.ts';
import type { LateItem } from './ports.ts';
import { type Item, type Key, storeKeys } from './store-items.ts';

/** The table of counts, as deletions and repairs change it. */
export class RewriteTable {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  /** Replaces a delta's rows if they are unchanged since the read; its event count stays, since the ledger has it. */
  async replaceDelta(
    name: DeltaName,
    before: Uint8Array,
    rows: Uint8Array | undefined,
  ): Promise<'replaced' | 'conflict'> {
    const key = storeKeys.delta(name);
    if (rows !== undefined) return this.#replaceRows(key, before, rows);
    return this.#update(key, 'SET tombstone = :true REMOVE #rows, events, expiresAt', before, {
      ':true': { BOOL: true },
    });
  }

  /** Rows set aside for a level in a hash range, item by item. */
  async *lateItems(level: UpperLevel, range: HashRange): AsyncIterable<LateItem> {
    const query = {
      TableName: this.#table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: storeKeys.late(level, range) } },
      ConsistentRead: true,
    };
    for await (const { Items = [] } of paginateQuery({ client: this.#client }, query)) {
      for (const { sk, rows } of Items) {
        const key = sk?.S ?? '';
        yield { key, epoch: Number(key.split('#')[0]), rows: rows?.B ?? new Uint8Array() };
      }
    }
  }

  /** Replaces late rows if they are unchanged since the read. */
  replaceLate(
    level: UpperLevel,
    range: HashRange,
    { key, rows: before }: LateItem,
    rows: Uint8Array,
  ): Promise<'replaced' | 'conflict'> {
    return this.#replaceRows({ pk: { S: storeKeys.late(level, range) }, sk: { S: key } }, before, rows);
  }

  /** Every period of a level that has a block. Scans the keys of the whole table. */
  async periodsOf(level: Level): Promise<readonly Period[]> {
    const names = new Set<string>();
    const scan = {
      TableName: this.#table,
      ProjectionExpression: 'pk',
      FilterExpression: 'begins_with(pk, :prefix)',
      ExpressionAttributeValues: { ':prefix': { S: `BLOCK#${level}#` } },
      ConsistentRead: true,
    };
    for await (const { Items = [] } of paginateScan({ client: this.#client }, scan)) {
      for (const { pk } of Items) names.add((pk?.S ?? '').split('#')[2] ?? '');
    }
    return [...names].sort().map((name) => parsePeriod(level, name));
  }

  #replaceRows(key: Key, before: Uint8Array, rows: Uint8Array): Promise<'replaced' | 'conflict'> {
    return this.#update(key, 'SET #rows = :rows', before, { ':rows': { B: rows } });
  }

  async #update(
    key: Key,
    expression: string,
    before: Uint8Array,
    values: Item,
  ): Promise<'replaced' | 'conflict'> {
    const update = new UpdateItemCommand({
      TableName: this.#table,
      Key: key,
      UpdateExpression: expression,
      ConditionExpression: '#rows = :before',
      ExpressionAttributeNames: { '#rows': 'rows' },
      ExpressionAttributeValues: { ...values, ':before': { B: before } },
    });
    return (await succeeds(this.#client, update)) ? 'replaced' : 'conflict';
  }
}
