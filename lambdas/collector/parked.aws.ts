// Objects that were given up, in the archive, each with its reason.
import { createHash } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { CollectorPorts } from './ports.ts';

/** `collected/HASH.json`: which object, why, and up to where it is counted. */
export function parkedObjects(client: S3Client, archiveBucket: string): CollectorPorts['parked'] {
  return {
    async keep(object, reason, cursor) {
      const { bucket, key, etag, bytes } = object;
      const name = createHash('sha256').update(`${bucket}\n${key}\n${etag}`).digest('hex').slice(0, 32);
      const { offset, lines } = cursor;
      const Body = JSON.stringify({ bucket, key, etag, bytes, reason, countedUpTo: { offset, lines } });
      const put = {
        Bucket: archiveBucket,
        Key: `collected/${name}.json`,
        Body,
        ContentType: 'application/json',
      };
      await client.send(new PutObjectCommand(put));
    },
  };
}
