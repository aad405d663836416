// Sums of all counter items of a table.
import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { metricOfSortKey } from '../../lambdas/counting/counter-item.ts';

/** What the table's counter items (sort key `metric#H#bucket`) come to, by `metric#entity`. */
export async function storedCounts(client: DynamoDBClient, table: string): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  const names = { '#pk': 'pk', '#sk': 'sk', '#n': 'n' };
  const scan = { TableName: table, ProjectionExpression: '#pk, #sk, #n', ExpressionAttributeNames: names };
  for await (const { Items = [] } of paginateScan({ client }, scan)) {
    for (const { pk, sk, n } of Items) {
      const sortKey = sk?.S ?? '';
      const metric = metricOfSortKey(sortKey);
      if (!sortKey.startsWith(`${metric}#H#`)) continue;
      const name = `${metric}#${pk?.S}`;
      sums.set(name, (sums.get(name) ?? 0) + Number(n?.N ?? 0));
    }
  }
  return sums;
}
