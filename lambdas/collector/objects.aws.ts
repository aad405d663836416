// Log objects on S3.
import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { type CollectorPorts, ObjectGone } from './ports.ts';

/** Reads objects in other people's buckets, and writes nothing there. */
export function s3LogObjects(client: S3Client): CollectorPorts['objects'] {
  return {
    open: async ({ bucket, key, etag }, offset, bytesMax) => {
      const last = bytesMax === undefined ? '' : offset + bytesMax - 1;
      const Range = offset === 0 && bytesMax === undefined ? {} : { Range: `bytes=${offset}-${last}` };
      const get = new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: `"${etag}"`, ...Range });
      try {
        const { Body } = await client.send(get);
        return (Body ?? NONE) as AsyncIterable<Buffer>;
      } catch (error) {
        const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
        // The offset is at the object's end: nothing is left.
        if (status === 416) return NONE;
        if (status === 404 || status === 412)
          throw new ObjectGone(`${key} was deleted or replaced`, { cause: error });
        throw error;
      }
    },
  };
}

const NONE = { async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {} };
