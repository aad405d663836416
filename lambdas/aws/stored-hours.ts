// The counter items of some hours as the audit of the levels reads them: their sums, and the segments they have.
import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import type { StoredHour, StoredHours } from '../audit-ports.ts';
import { bucketOfSortKey, counterKey } from '../counting/counter-item.ts';
import { bucketName, hourStartMs, parseBucketName } from '../counting/time.ts';

/** The counter table, read for the audit of the levels. */
export class StoredHoursTable implements StoredHours {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async storedHours(
    metric: string,
    entity: string,
    fromMs: number,
    toMs: number,
  ): Promise<readonly StoredHour[]> {
    const from = counterKey(metric, entity, bucketName(hourStartMs(fromMs), 60));
    // Further items of an hour sort after all of its narrower buckets.
    const to = counterKey(metric, entity, `${bucketName(toMs - 1, 60)}~~`);
    const hours: StoredHour[] = [];
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':pk': { S: from.pk }, ':from': { S: from.sk }, ':to': { S: to.sk } },
        ProjectionExpression: 'sk, n, applied, expiresAt',
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) {
      for (const { sk, n, applied, expiresAt } of Items) {
        const startMs = parseBucketName(bucketOfSortKey(sk?.S ?? ''));
        if (startMs === undefined) throw new Error(`counter item with sort key ${sk?.S} names no bucket`);
        hours.push({
          hourMs: hourStartMs(startMs),
          n: BigInt(n?.N ?? 0),
          applied: new Set(applied?.SS),
          expiresAt: expiresAt?.N === undefined ? undefined : Number(expiresAt.N),
        });
      }
    }
    return hours;
  }
}
