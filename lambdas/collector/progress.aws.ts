// The progress of each object: an item in the ledger table, kept forever, so that an object counts once.
import { hash } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { attributes, type Key, key, Table } from '../aws/table.ts';
import type { CollectorPorts, LogObject, Progress } from './ports.ts';

/** The key of an object's item; hashed, since S3's keys may exceed the limit of a sort key. */
function keyOf({ bucket, key: name, etag }: LogObject): Key {
  return key(`OBJECT#${hash('sha256', `${bucket}\n${name}`).slice(0, 32)}`, etag);
}

const IS_LAST = '(#run = :lastRun AND #status = :lastStatus AND #offset = :lastOffset)';
const IS_SAVED = '(#run = :run AND #status = :status AND #offset = :offset)';

/** Progress in the ledger table. */
export function ledgerProgress(client: DynamoDBClient, tableName: string): CollectorPorts['progress'] {
  const table = new Table(client, tableName);
  return {
    read: async (object) => {
      const found = await table.get(keyOf(object));
      if (found === undefined) return undefined;
      const item = unmarshall(found) as Omit<Progress, 'cursor'> & { cursor: string };
      const { status, plan, sinceMs, doubtful, run, events, malformed } = item;
      return { status, cursor: JSON.parse(item.cursor), plan, sinceMs, doubtful, run, events, malformed };
    },
    save: async (object, progress, last) => {
      const { bucket, key: objectKey } = object;
      const { run, status } = progress;
      const { offset } = progress.cursor;
      const cursor = JSON.stringify(progress.cursor);
      const item = attributes({ bucket, objectKey, ...progress, offset, cursor });
      // A run that was overtaken must not move the cursor back, nor reopen a finished object. The SDK may repeat a save.
      return table.putIf(
        `${last.run === undefined ? 'attribute_not_exists(#run)' : IS_LAST} OR ${IS_SAVED}`,
        { ...keyOf(object), ...item },
        {
          ':run': run,
          ':status': status,
          ':offset': offset,
          ':lastRun': last.run,
          ':lastStatus': last.run && last.status,
          ':lastOffset': last.run && last.cursor.offset,
        },
      );
    },
  };
}
