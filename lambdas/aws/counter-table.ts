// The counter items on DynamoDB: the conditional upsert, and reading a counter's range.
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  bucketOfSortKey,
  type CounterItem,
  type CounterKey,
  type CounterUpdate,
  counterKey,
  counterUpdateParams,
  minuteAttribute,
  type OpenHourMark,
} from '../counting/counter-item.ts';
import { bucketName, HOUR_MS, parseBucketName } from '../counting/time.ts';
import type { CounterReader, CounterStore, TableHealth } from '../ports.ts';

const MINUTES = Array.from({ length: 60 }, (_, minute) => [minute, minuteAttribute(minute)] as const);
const READ_ATTRIBUTES = ['sk', 'expiresAt', ...MINUTES.map(([, attribute]) => attribute)].join(', ');

/** What an update of an item does about the index of open hours. */
export type MarkOpenHour = (key: CounterKey) => OpenHourMark;

/** The counter table. */
export class CounterTable implements CounterStore, CounterReader, TableHealth {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #mark: MarkOpenHour | undefined;

  /** @param mark for who writes, where the stage has an index of open hours */
  constructor(client: DynamoDBClient, table: string, mark?: MarkOpenHour) {
    this.#client = client;
    this.#table = table;
    this.#mark = mark;
  }

  async apply(update: CounterUpdate): Promise<'applied' | ReadonlySet<string>> {
    const Key = { pk: { S: update.key.pk }, sk: { S: update.key.sk } };
    try {
      await this.#client.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key,
          ...counterUpdateParams(update, this.#mark?.(update.key)),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return 'applied';
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      // One segment: the condition says it all. Several: the item tells which; some emulators leave it out.
      if (update.segments.length === 1) return new Set<string>(update.segments);
      const item = error.Item ?? (await this.#item(Key));
      return new Set(item?.['applied']?.SS ?? []);
    }
  }

  async *items(metric: string, entity: string, fromMs: number, toMs: number): AsyncIterable<CounterItem> {
    // A bucket of an hour may start before `from`, and its further items sort after all narrower buckets of the hour.
    const from = counterKey(metric, entity, bucketName(fromMs - (fromMs % HOUR_MS), 60));
    const to = counterKey(metric, entity, `${bucketName(toMs - 1, 60)}~~`);
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':pk': { S: from.pk }, ':from': { S: from.sk }, ':to': { S: to.sk } },
        ProjectionExpression: READ_ATTRIBUTES,
        // A claim that was read before vouches for what was written before it: a stale replica may not have it yet.
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) for (const item of Items) yield toCounterItem(item);
  }

  async isHealthy(): Promise<boolean> {
    try {
      await this.#item({ pk: { S: 'health' }, sk: { S: 'probe' } });
      return true;
    } catch {
      return false;
    }
  }

  async #item(Key: Record<string, AttributeValue>): Promise<Record<string, AttributeValue> | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true });
    return (await this.#client.send(get)).Item;
  }
}

function toCounterItem(item: Record<string, AttributeValue>): CounterItem {
  const minutes = new Map<number, bigint>();
  for (const [minute, attribute] of MINUTES) {
    const sum = item[attribute]?.N;
    if (sum !== undefined) minutes.set(minute, BigInt(sum));
  }
  const bucketStartMs = parseBucketName(bucketOfSortKey(item['sk']?.S ?? ''));
  if (bucketStartMs === undefined)
    throw new Error(`counter item with sort key ${item['sk']?.S} names no bucket`);
  const expiresAt = item['expiresAt']?.N;
  return { bucketStartMs, minutes, expiresAt: expiresAt === undefined ? undefined : Number(expiresAt) };
}
