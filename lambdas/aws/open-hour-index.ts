// The index of open hours on DynamoDB: which entities lead an hour that no list has yet.
import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { openHourKeys } from '../counting/open-hour.ts';
import { compareRanked } from '../counting/top-list.ts';
import type { OpenHours } from '../level-ports.ts';

/** The counter table's index of open hours. */
export class OpenHourIndex implements OpenHours {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #index: string;

  constructor(client: DynamoDBClient, table: string, index: string) {
    this.#client = client;
    this.#table = table;
    this.#index = index;
  }

  async leaders(metric: string, hourMs: number, max: number): Promise<readonly string[]> {
    const slots = await Promise.all(openHourKeys(metric, hourMs).map((key) => this.#slot(key, max)));
    return slots
      .flat()
      .sort(compareRanked)
      .slice(0, max)
      .map(({ entity }) => entity);
  }

  async #slot(key: string, max: number) {
    const { Items = [] } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        IndexName: this.#index,
        KeyConditionExpression: 'openHour = :key',
        ExpressionAttributeValues: { ':key': { S: key } },
        ProjectionExpression: 'pk, n',
        ScanIndexForward: false,
        // Entries have the keys alone, so that a page of 1 MB holds far more than can be asked for.
        Limit: max,
      }),
    );
    return Items.map((item) => ({ entity: item['pk']?.S ?? '', n: BigInt(item['n']?.N ?? '0') }));
  }
}
