// Sums of everything that a table holds, by `metric#entity`.
import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { decodeRows } from '../../lambdas/core/rows.ts';

/** Of a table of counter items, `pk` the entity and `sk` the metric and the hour. */
export function itemCounts(client: DynamoDBClient, table: string): Promise<Map<string, number>> {
  return summed(client, table, ({ pk, sk, n }) => [[`${sk?.S?.split('#')[0]}#${pk?.S}`, Number(n?.N ?? 0)]]);
}

/** Of Tally's table: its deltas, each of which is stored once. */
export function deltaCounts(client: DynamoDBClient, table: string): Promise<Map<string, number>> {
  return summed(client, table, ({ pk, rows }) => {
    if (!pk?.S?.startsWith('DELTA#') || rows?.B === undefined) return [];
    return decodeRows(rows.B).map(({ metric, entity, cells }) => {
      const n = [...cells.values()].reduce((sum, each) => sum + Number(each), 0);
      return [`${metric}#${entity}`, n];
    });
  });
}

async function summed(
  client: DynamoDBClient,
  TableName: string,
  countsIn: (item: Record<string, AttributeValue>) => readonly (readonly [name: string, n: number])[],
): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for await (const { Items = [] } of paginateScan({ client }, { TableName })) {
    for (const [name, n] of Items.flatMap(countsIn)) sums.set(name, (sums.get(name) ?? 0) + n);
  }
  return sums;
}
