// The progress of each object: an item in the ledger table, kept forever, so that an object counts once.
import { createHash } from 'node:crypto';
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { succeeds } from '../aws/conditional-write.ts';
import type { CollectorPorts, LogObject, Progress } from './ports.ts';

/** The key of an object's item; hashed, since S3's keys may exceed the limit of a sort key. */
function keyOf({ bucket, key, etag }: LogObject): { readonly pk: string; readonly sk: string } {
  return {
    pk: `OBJECT#${createHash('sha256').update(`${bucket}\n${key}`).digest('hex').slice(0, 32)}`,
    sk: etag,
  };
}

const IS_LAST = '(#run = :lastRun AND #status = :lastStatus AND #offset = :lastOffset)';
const IS_SAVED = '(#run = :run AND #status = :status AND #offset = :offset)';

/** Progress in the ledger table. */
export function ledgerProgress(client: DynamoDBClient, TableName: string): CollectorPorts['progress'] {
  return {
    read: async (object) => {
      const get = new GetItemCommand({ TableName, Key: marshall(keyOf(object)), ConsistentRead: true });
      const { Item } = await client.send(get);
      if (Item === undefined) return undefined;
      const item = unmarshall(Item) as Omit<Progress, 'cursor'> & { cursor: string };
      const { status, plan, sinceMs, doubtful, run, events, malformed } = item;
      return { status, cursor: JSON.parse(item.cursor), plan, sinceMs, doubtful, run, events, malformed };
    },
    save: async (object, progress, last) => {
      const { bucket, key: objectKey } = object;
      const { offset } = progress.cursor;
      const cursor = JSON.stringify(progress.cursor);
      const item = { ...keyOf(object), bucket, objectKey, ...progress, offset, cursor };
      const put = new PutItemCommand({
        TableName,
        Item: marshall(item, { removeUndefinedValues: true }),
        // A run that was overtaken must not move the cursor back, nor reopen a finished object. The SDK may repeat a save.
        ConditionExpression: `${last.run === undefined ? 'attribute_not_exists(#run)' : IS_LAST} OR ${IS_SAVED}`,
        ExpressionAttributeNames: { '#run': 'run', '#status': 'status', '#offset': 'offset' },
        ExpressionAttributeValues: marshall({
          ':run': progress.run,
          ':status': progress.status,
          ':offset': offset,
          ...(last.run !== undefined && {
            ':lastRun': last.run,
            ':lastStatus': last.status,
            ':lastOffset': last.cursor.offset,
          }),
        }),
      });
      return succeeds(client, put);
    },
  };
}
