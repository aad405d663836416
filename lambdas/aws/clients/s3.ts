// The client of S3.
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { requestHandler } from './connections.ts';

/** An S3 client. Path style works with every bucket name and with one local host. */
export function s3(config: S3ClientConfig = {}): S3Client {
  return new S3Client({ requestHandler: requestHandler(), forcePathStyle: true, ...config });
}
