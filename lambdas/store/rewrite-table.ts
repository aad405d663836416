// Changes by operators to stored rows of deltas and late items; and the list of periods.
import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { type Key, key, Table, type Values } from '../aws/table.ts';
import type { DeltaName } from '../core/delta.ts';
import type { HashRange } from '../core/hash-range.ts';
import { type Level, type Period, parsePeriod, type UpperLevel } from '../core/level.ts';
import type { LateItem } from './ports.ts';
import { storeKeys } from './store-items.ts';

/** The table of counts, as deletions and repairs change it. */
export class RewriteTable {
  readonly #table: Table;

  constructor(client: DynamoDBClient, table: string) {
    this.#table = new Table(client, table);
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
      ':true': true,
    });
  }

  /** Rows set aside for a level in a hash range, item by item. */
  async *lateItems(level: UpperLevel, range: HashRange): AsyncIterable<LateItem> {
    for await (const { Items = [] } of this.#table.pages(storeKeys.late(level, range))) {
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
    { key: sk, rows: before }: LateItem,
    rows: Uint8Array,
  ): Promise<'replaced' | 'conflict'> {
    return this.#replaceRows(key(storeKeys.late(level, range), sk), before, rows);
  }

  /** Every period of a level that has a block. Scans the keys of the whole table. */
  async periodsOf(level: Level): Promise<readonly Period[]> {
    const names = new Set<string>();
    const scan = {
      TableName: this.#table.name,
      ProjectionExpression: 'pk',
      FilterExpression: 'begins_with(pk, :prefix)',
      ExpressionAttributeValues: { ':prefix': { S: `BLOCK#${level}#` } },
      ConsistentRead: true,
    };
    for await (const { Items = [] } of paginateScan({ client: this.#table.client }, scan)) {
      for (const { pk } of Items) names.add((pk?.S ?? '').split('#')[2] ?? '');
    }
    return [...names].sort().map((name) => parsePeriod(level, name));
  }

  #replaceRows(key: Key, before: Uint8Array, rows: Uint8Array): Promise<'replaced' | 'conflict'> {
    return this.#update(key, 'SET #rows = :rows', before, { ':rows': rows });
  }

  async #update(
    key: Key,
    update: string,
    before: Uint8Array,
    values: Values,
  ): Promise<'replaced' | 'conflict'> {
    const condition = '#rows = :before';
    const isReplaced = await this.#table.updateIf({
      ...{ key, update, condition },
      values: { ...values, ':before': before },
    });
    return isReplaced ? 'replaced' : 'conflict';
  }
}
