// The store on DynamoDB: deltas, blocks, late rows and top lists. Writes are conditional, reads strongly consistent.
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import { succeeds } from '../aws/conditional-write.ts';
import type { Delta, DeltaName } from '../core/delta.ts';
import { covers, type HashRange, WHOLE_RANGE } from '../core/hash-range.ts';
import type { Period, UpperLevel } from '../core/level.ts';
import { decodeRows, encodeRows, type Row, rowBytes } from '../core/rows.ts';
import { decodeTop, encodeTop } from '../core/top.ts';
import type { Clock } from '../ports.ts';
import type {
  Block,
  BlockCondition,
  BlockReader,
  BlockWriter,
  DeltaDiscarder,
  DeltaReader,
  DeltaWriter,
  LateStore,
  StoredDelta,
  StoredTop,
  TopStore,
} from './ports.ts';
import {
  blockItem,
  blockOf,
  blockRange,
  deltaItem,
  deltaOf,
  type Item,
  isTombstone,
  type Key,
  PARTITION_BITS,
  storeKeys,
} from './store-items.ts';

/** Limit of keys in one BatchGetItem. */
const BATCH_KEYS = 100;
/** Maximum size of late rows in one item, in bytes of `rowBytes`. */
const LATE_BYTES_MAX = 100_000;

export class StoreTable
  implements DeltaWriter, DeltaDiscarder, DeltaReader, BlockReader, BlockWriter, LateStore, TopStore
{
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #clock: Clock;
  readonly #deltaRetentionMs: number | undefined;

  /** @param deltaRetentionMs how long deltas and late rows are kept after they were written; undefined: forever */
  constructor(client: DynamoDBClient, table: string, clock: Clock, deltaRetentionMs?: number | undefined) {
    this.#client = client;
    this.#table = table;
    this.#clock = clock;
    this.#deltaRetentionMs = deltaRetentionMs;
  }

  async putDelta(delta: Delta): Promise<'stored' | 'discarded'> {
    const there = await this.#putIfAbsent(deltaItem(delta, delta, this.#expiresAt(this.#clock.nowMs())));
    return there !== undefined && isTombstone(there) ? 'discarded' : 'stored';
  }

  async putTombstone(name: DeltaName): Promise<'stored' | 'discarded'> {
    const there = await this.#putIfAbsent(deltaItem(name, undefined, undefined));
    return there === undefined || isTombstone(there) ? 'discarded' : 'stored';
  }

  #expiresAt(sinceMs: number): number | undefined {
    if (this.#deltaRetentionMs === undefined) return undefined;
    return Math.ceil((sinceMs + this.#deltaRetentionMs) / 1000);
  }

  /** @returns the existing item, if there is one */
  async #putIfAbsent(item: Item): Promise<Item | undefined> {
    try {
      const put = new PutItemCommand({
        TableName: this.#table,
        Item: item,
        ConditionExpression: 'attribute_not_exists(pk)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      await this.#client.send(put);
      return undefined;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      // Some emulators omit the item from their refusal.
      return error.Item ?? (await this.#get({ pk: item['pk'], sk: item['sk'] } as Key)) ?? {};
    }
  }

  async *deltasIn(range: HashRange, fromMs: number, toMs: number): AsyncIterable<StoredDelta> {
    for await (const item of this.#between(storeKeys.deltas(range), storeKeys.deltaBounds(fromMs, toMs))) {
      yield deltaOf(item);
    }
  }

  async readBlocks(
    names: readonly { readonly period: Period; readonly range: HashRange }[],
  ): Promise<readonly (Block | undefined)[]> {
    const found = new Map<string, Block>();
    const keys = names.map(({ period, range }) => storeKeys.block(period, range));
    for (let at = 0; at < keys.length; at += BATCH_KEYS) {
      let asked: Key[] = keys.slice(at, at + BATCH_KEYS);
      while (asked.length > 0) {
        const request = { [this.#table]: { Keys: asked, ConsistentRead: true } };
        const { Responses, UnprocessedKeys } = await this.#client.send(
          new BatchGetItemCommand({ RequestItems: request }),
        );
        for (const item of Responses?.[this.#table] ?? []) found.set(nameOf(item), blockOf(item));
        asked = (UnprocessedKeys?.[this.#table]?.Keys ?? []) as Key[];
      }
    }
    return keys.map((key) => found.get(nameOf(key)));
  }

  /**
   * All blocks of a period that have rows, with their ranges, in any order, each row once. Strongly consistent, but not a
   * snapshot: a block beneath one that was returned is from a later split.
   */
  async *blocksOf(
    period: Period,
    prefix = '',
  ): AsyncIterable<{ readonly range: HashRange; readonly block: Block; readonly rows: Uint8Array }> {
    const split: HashRange[] = [];
    let last: HashRange | undefined;
    for await (const item of this.#between(storeKeys.blocks(period, prefix), ['B', 'C'])) {
      const [range, block] = [blockRange(item), blockOf(item)];
      if (last !== undefined && covers(last, range)) continue;
      if (block.content !== 'split') {
        last = range;
        yield { range, block, rows: block.content };
      } else if (range.length === PARTITION_BITS - 1) split.push(range);
    }
    for (const range of split) {
      for (const half of ['0', '1']) yield* this.blocksOf(period, `${range}${half}`);
    }
  }

  async putBlock(
    period: Period,
    range: HashRange,
    block: Block,
    condition: BlockCondition,
    expiresAt: number | undefined,
  ): Promise<'put' | 'conflict'> {
    const [expression, values] = conditionOf(condition);
    const isPut = await this.#putIf(expression, blockItem(period, range, block, expiresAt), values);
    return isPut ? 'put' : 'conflict';
  }

  async putLate(
    level: UpperLevel,
    range: HashRange,
    { hourEpoch, plannedAtMs }: Parameters<LateStore['putLate']>[2],
    rows: readonly Row[],
  ): Promise<void> {
    const expiresAt = this.#expiresAt(plannedAtMs);
    for (const [chunk, some] of chunksOf(rows).entries()) {
      // Only if absent: a slow compactor must not undo a deletion's or a repair's rewrite.
      await this.#putIf('attribute_not_exists(pk)', {
        ...storeKeys.lateRows(level, range, hourEpoch, chunk),
        rows: { B: encodeRows(some) },
        ...(expiresAt !== undefined && { expiresAt: { N: String(expiresAt) } }),
      });
    }
  }

  async *lateRows(level: UpperLevel, range: HashRange, after: number, through: number): AsyncIterable<Row> {
    if (after >= through) return;
    const bounds = storeKeys.lateBounds(after, through);
    for await (const item of this.#between(storeKeys.late(level, range), bounds)) {
      yield* decodeRows(item['rows']?.B ?? new Uint8Array());
    }
  }

  async readTop(metric: string, period: Period): Promise<StoredTop | undefined> {
    const item = await this.#get(storeKeys.top(metric, period));
    const entries = item?.['entries']?.B;
    const number = (name: string) => Number(item?.[name]?.N ?? 0);
    return entries && { epoch: number('epoch'), edit: number('edit'), entries: decodeTop(entries) };
  }

  async putTop(
    metric: string,
    period: Period,
    { epoch, edit, entries }: StoredTop,
    expiresAt: number | undefined,
  ): Promise<'put' | 'conflict'> {
    const item = {
      ...storeKeys.top(metric, period),
      epoch: { N: String(epoch) },
      edit: { N: String(edit) },
      entries: { B: encodeTop(metric, entries) },
      ...(expiresAt !== undefined && { expiresAt: { N: String(expiresAt) } }),
    };
    const isFirst = edit === 1;
    const isPut = await (isFirst
      ? this.#putIf('attribute_not_exists(edit)', item)
      : this.#putIf('edit = :before', item, { ':before': { N: String(edit - 1) } }));
    return isPut ? 'put' : 'conflict';
  }

  async metrics(): Promise<readonly string[]> {
    const metrics: string[] = [];
    for await (const { sk } of this.#between(storeKeys.metrics(), [' ', '~'])) metrics.push(sk?.S ?? '');
    return metrics;
  }

  async addMetrics(metrics: readonly string[]): Promise<void> {
    for (const metric of metrics) {
      const Item = storeKeys.metric(metric);
      await this.#client.send(new PutItemCommand({ TableName: this.#table, Item }));
    }
  }

  /** Whether the table answers. */
  async isHealthy(): Promise<boolean> {
    try {
      await this.#get(storeKeys.block({ level: 'all', startMs: 0 }, WHOLE_RANGE));
      return true;
    } catch {
      return false;
    }
  }

  #putIf(ConditionExpression: string, item: Item, values?: Item): Promise<boolean> {
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: item,
      ConditionExpression,
      ...(values !== undefined && { ExpressionAttributeValues: values }),
    });
    return succeeds(this.#client, put);
  }

  async *#between(pk: string, [from, to]: readonly [string, string]): AsyncIterable<Item> {
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':pk': { S: pk }, ':from': { S: from }, ':to': { S: to } },
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) yield* Items;
  }

  async #get(key: Key): Promise<Item | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: key, ConsistentRead: true });
    return (await this.#client.send(get)).Item;
  }
}

function nameOf({ pk, sk }: Item): string {
  return `${pk?.S} ${sk?.S}`;
}

function conditionOf(condition: BlockCondition): readonly [expression: string, values?: Item] {
  if (condition.is === 'absent') return ['attribute_not_exists(pk)'];
  const values = { ':epoch': { N: String(condition.epoch) } };
  const withEdit = { ...values, ':edit': { N: String(condition.edit) } };
  if (condition.is === 'before') {
    const earlier = 'attribute_not_exists(pk) OR epoch < :epoch';
    if (condition.edit === 0) return [earlier, values];
    return [`${earlier} OR (epoch = :epoch AND (attribute_not_exists(edit) OR edit < :edit))`, withEdit];
  }
  return condition.edit === 0
    ? ['epoch = :epoch AND attribute_not_exists(edit)', values]
    : ['epoch = :epoch AND edit = :edit', withEdit];
}

function chunksOf(rows: readonly Row[]): Row[][] {
  const chunks: Row[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const size = rowBytes(row);
    if (bytes + size > LATE_BYTES_MAX) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push(row);
    bytes += size;
  }
  return chunks;
}
