// Stretches of a shard that the stream may have trimmed unread.
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { succeeds } from '../aws/conditional-write.ts';
import type { ShardKey } from '../core/identifiers.ts';
import type { StreamGap } from '../ports.ts';
import { gapItem, ledgerKeys } from './ledger-items.ts';

/** A gap is reported for this long, so that one failed run does not hide it. */
const GAP_REPORTED_MS = 600_000;

/** Records a gap; it grows, and never shrinks. @returns `noted` if it is new, or so recent that its report may have failed */
export async function recordGap(
  { client, table }: { readonly client: DynamoDBClient; readonly table: string },
  shard: ShardKey,
  gap: StreamGap,
): Promise<'noted' | 'known'> {
  const item = gapItem(shard, gap);
  const put = new PutItemCommand({
    TableName: table,
    Item: item,
    ConditionExpression: 'attribute_not_exists(pk) OR #before < :before',
    ExpressionAttributeNames: { '#before': 'before' },
    ExpressionAttributeValues: { ':before': item.before },
  });
  if (await succeeds(client, put)) return 'noted';
  const Key = ledgerKeys.gap(shard, gap.after);
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
  const ageMs = gap.noticedAtMs - Date.parse(Item?.['noticedAt']?.S ?? '');
  return ageMs < GAP_REPORTED_MS ? 'noted' : 'known';
}
