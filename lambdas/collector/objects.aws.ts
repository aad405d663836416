// Log objects on S3.
import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { type CollectorPorts, type LogObject, ObjectGone } from './ports.ts';

/** Reads objects in other people's buckets, and writes nothing there. */
export class S3LogObjects {
  readonly #client: S3Client;

  constructor(client: S3Client) {
    this.#client = client;
  }

  readonly open: CollectorPorts['objects']['open'] = async (
    { bucket, key, etag }: LogObject,
    offset,
    bytesMax,
  ) => {
    const last = bytesMax === undefined ? '' : String(offset + bytesMax - 1);
    const Range = offset === 0 && bytesMax === undefined ? {} : { Range: `bytes=${offset}-${last}` };
    const get = new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: `"${etag}"`, ...Range });
    try {
      const { Body } = await this.#client.send(get);
      return (Body ?? []) as AsyncIterable<Uint8Array>;
    } catch (error) {
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      // The offset is at the object's end: nothing is left.
      if (status === 416) return none();
      if (status === 404 || status === 412)
        throw new ObjectGone(`${key} was deleted or replaced`, { cause: error });
      throw error;
    }
  };
}

async function* none(): AsyncGenerator<Uint8Array> {
  // No bytes.
}
