// Synthetic histories in the counter table: entities with a day, a year and ten years of counts, and the levels made of them.
import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { counterKey, minuteAttribute } from '../lambdas/counting/counter-item.ts';
import {
  type Claims,
  itemStartMs,
  type Level,
  levelChangeParams,
  levelKey,
  sumStartMs,
} from '../lambdas/counting/levels.ts';
import { bucketName, DAY_MS, dayStartMs, HOUR_MS, hourStartMs } from '../lambdas/counting/time.ts';

/** When the histories end, epoch milliseconds. */
export const NOW_MS = Date.UTC(2026, 10, 22, 17, 40);
/** The entities, and how many days of counts each has. */
export const SPANS = { 'a day': 1, 'a year': 365, 'ten years': 3_652 } as const;
export const METRIC = 'play';
/** Minutes with counts in each hour, each from a segment of its own: hot entities have up to 720 segments an hour and shard. */
export const MINUTES = 12;
/** What a pipeline that runs well claims when the histories end. */
export const CLAIMS: Claims = {
  throughMs: NOW_MS - 30_000,
  days: { closedBeforeMs: hourStartMs(NOW_MS), throughMs: hourStartMs(NOW_MS) + 300_000 },
  months: { closedBeforeMs: dayStartMs(NOW_MS), throughMs: dayStartMs(NOW_MS) + 300_000 },
};

/** Makes a table as both of Tally's are. */
export async function createTable(client: DynamoDBClient, TableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
}

/**
 * Puts every hour of an entity's history, and the levels made of it.
 * @param days how long the history is
 * @param countersFromMs from when on there are counter items, epoch milliseconds: where no question reads older ones, they
 *   need not be put; the levels are whole all the same
 */
export async function fillHistory(
  client: DynamoDBClient,
  TableName: string,
  entity: string,
  days: number,
  countersFromMs = 0,
): Promise<void> {
  const minutes = Object.fromEntries(
    Array.from({ length: MINUTES }, (_, at) => [minuteAttribute(at * 5), { N: '1234' }]),
  );
  const applied = { SS: Array.from({ length: MINUTES }, (_, k) => `1.0.${(k + 40_000).toString(36)}`) };
  const levels = new Map<string, { level: Level; startMs: number; sums: Map<number, bigint> }>();
  let batch: Record<string, AttributeValue>[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    const puts = batch.map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: puts } }));
    batch = [];
  };
  const put = async (item: Record<string, AttributeValue>) => {
    batch.push(item);
    if (batch.length === 25) await flush();
  };
  for (let atMs = hourStartMs(NOW_MS - days * DAY_MS); atMs <= NOW_MS; atMs += HOUR_MS) {
    if (atMs >= countersFromMs) {
      const { pk, sk } = counterKey(METRIC, entity, bucketName(atMs, 60));
      await put({ pk: { S: pk }, sk: { S: sk }, n: { N: '14808' }, e: { N: '14808' }, ...minutes, applied });
    }
    for (const level of ['days', 'months', 'total'] as const) {
      const startMs = itemStartMs(level, atMs);
      const one = levels.get(`${level} ${startMs}`) ?? { level, startMs, sums: new Map() };
      levels.set(`${level} ${startMs}`, one);
      one.sums.set(sumStartMs(level, atMs), (one.sums.get(sumStartMs(level, atMs)) ?? 0n) + 14_808n);
    }
  }
  for (const { level, startMs, sums } of levels.values()) {
    const name = { level, metric: METRIC, entity, startMs };
    const { ExpressionAttributeValues } = levelChangeParams({
      name,
      sums,
      revision: 700,
      expiresAt: undefined,
    });
    const { pk, sk } = levelKey(name);
    const values = Object.entries(ExpressionAttributeValues).filter(
      ([placeholder]) => placeholder !== ':read',
    );
    await put({
      pk: { S: pk },
      sk: { S: sk },
      ...Object.fromEntries(values.map(([placeholder, value]) => [placeholder.slice(1), value])),
    });
  }
  await flush();
}
