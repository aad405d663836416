// The store on DynamoDB: deltas, blocks, late rows and top lists. Writes are conditional, reads strongly consistent.
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { ABSENT, attributes, type Item, type Key, Table, type Values } from '../aws/table.ts';
import type { Delta, DeltaName } from '../core/delta.ts';
import { covers, type HashRange, WHOLE_RANGE } from '../core/hash-range.ts';
import type { Period, UpperLevel } from '../core/level.ts';
import { chunksOf, decodeRows, encodeRows, type Row } from '../core/rows.ts';
import { decodeTop, encodeTop } from '../core/top.ts';
import type { Clock } from '../ports.ts';
import type {
  Block,
  BlockCondition,
  BlockReader,
  BlockWriter,
  DeltaDiscarder,
  DeltaKeeper,
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
  isTombstone,
  PARTITION_BITS,
  storeKeys,
} from './store-items.ts';

/** Concurrent puts of metrics: there may be thousands. */
const PUTS_AT_ONCE = 32;
/** Maximum size of late rows in one item, in bytes of `rowBytes`. */
const LATE_BYTES_MAX = 100_000;

export class StoreTable
  implements
    DeltaWriter,
    DeltaDiscarder,
    DeltaKeeper,
    DeltaReader,
    BlockReader,
    BlockWriter,
    LateStore,
    TopStore
{
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #deltaRetentionMs: number | undefined;

  /** @param deltaRetentionMs how long deltas and late rows are kept after they were written; undefined: forever */
  constructor(client: DynamoDBClient, table: string, clock: Clock, deltaRetentionMs?: number | undefined) {
    this.#table = new Table(client, table);
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

  async keepDelta(name: DeltaName): Promise<void> {
    const [key, condition] = [storeKeys.delta(name), 'attribute_exists(pk)'];
    await this.#table.updateIf({ key, condition, update: 'REMOVE expiresAt' });
  }

  async expireDelta(name: DeltaName): Promise<void> {
    const expiresAt = this.#expiresAt(this.#clock.nowMs());
    if (expiresAt === undefined) return;
    // A deletion may have made it a tombstone, which never expires.
    const [key, condition] = [storeKeys.delta(name), 'attribute_exists(#rows)'];
    const values = { ':at': expiresAt };
    await this.#table.updateIf({ key, condition, update: 'SET expiresAt = :at', values });
  }

  #expiresAt(sinceMs: number): number | undefined {
    if (this.#deltaRetentionMs === undefined) return undefined;
    return Math.ceil((sinceMs + this.#deltaRetentionMs) / 1000);
  }

  /** @returns the existing item, if there is one */
  async #putIfAbsent(item: Item): Promise<Item | undefined> {
    try {
      const put = new PutItemCommand({
        TableName: this.#table.name,
        Item: item,
        ConditionExpression: ABSENT,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      await this.#table.client.send(put);
      return undefined;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      // Some emulators omit the item from their refusal.
      return error.Item ?? (await this.#table.get({ pk: item['pk'], sk: item['sk'] } as Key)) ?? {};
    }
  }

  async *deltasIn(range: HashRange, fromMs: number, toMs: number): AsyncIterable<StoredDelta> {
    const bounds = storeKeys.deltaBounds(fromMs, toMs);
    for await (const item of this.#between(storeKeys.deltas(range), bounds)) yield deltaOf(item);
  }

  readBlocks(
    names: readonly { readonly period: Period; readonly range: HashRange }[],
  ): Promise<readonly (Block | undefined)[]> {
    const keys = names.map(({ period, range }) => storeKeys.block(period, range));
    return this.#table.getAll(keys, (items) => {
      const found = new Map(items.map((item) => [nameOf(item), blockOf(item)]));
      return keys.map((key) => found.get(nameOf(key)));
    });
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
    const isPut = await this.#table.putIf(expression, blockItem(period, range, block, expiresAt), values);
    return isPut ? 'put' : 'conflict';
  }

  async putLate(
    level: UpperLevel,
    range: HashRange,
    { hourEpoch, plannedAtMs }: Parameters<LateStore['putLate']>[2],
    rows: readonly Row[],
  ): Promise<void> {
    const expiresAt = this.#expiresAt(plannedAtMs);
    for (const [chunk, some] of chunksOf(rows, LATE_BYTES_MAX).entries()) {
      // Only if absent: a slow compactor must not undo a deletion's or a repair's rewrite.
      const key = storeKeys.lateRows(level, range, hourEpoch, chunk);
      await this.#table.putIf(ABSENT, { ...key, ...attributes({ rows: encodeRows(some), expiresAt }) });
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
    const item = await this.#table.get(storeKeys.top(metric, period));
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
    const fields = attributes({ epoch, edit, entries: encodeTop(metric, entries), expiresAt });
    const item = { ...storeKeys.top(metric, period), ...fields };
    const isPut = await (edit === 1
      ? this.#table.putIf('attribute_not_exists(edit)', item)
      : this.#table.putIf('edit = :before', item, { ':before': edit - 1 }));
    return isPut ? 'put' : 'conflict';
  }

  async metrics(): Promise<readonly string[]> {
    const metrics: string[] = [];
    for await (const { sk } of this.#between(storeKeys.metrics(), [' ', '~'])) metrics.push(sk?.S ?? '');
    return metrics;
  }

  async addMetrics(metrics: readonly string[]): Promise<void> {
    await pLimit(PUTS_AT_ONCE).map(metrics, (metric) => this.#table.put(storeKeys.metric(metric)));
  }

  async *#between(pk: string, bounds: readonly [string, string]): AsyncIterable<Item> {
    for await (const { Items = [] } of this.#table.pages(pk, bounds)) yield* Items;
  }

  /** Whether the table answers. */
  isHealthy(): Promise<boolean> {
    return this.#table.get(storeKeys.block({ level: 'all', startMs: 0 }, WHOLE_RANGE)).then(
      () => true,
      () => false,
    );
  }
}

function nameOf({ pk, sk }: Item): string {
  return `${pk?.S} ${sk?.S}`;
}

function conditionOf(condition: BlockCondition): readonly [expression: string, values?: Values] {
  if (condition.is === 'absent') return [ABSENT];
  const { epoch, edit } = condition;
  const [values, withEdit] = [{ ':epoch': epoch }, { ':epoch': epoch, ':edit': edit }];
  if (condition.is === 'before') {
    const earlier = 'attribute_not_exists(pk) OR epoch < :epoch';
    if (edit === 0) return [earlier, values];
    return [`${earlier} OR (epoch = :epoch AND (attribute_not_exists(edit) OR edit < :edit))`, withEdit];
  }
  return edit === 0
    ? ['epoch = :epoch AND attribute_not_exists(edit)', values]
    : ['epoch = :epoch AND edit = :edit', withEdit];
}
