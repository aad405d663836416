// The client of Kinesis.
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { requestHandler } from './connections.ts';

/** A Kinesis client on HTTP/1.1: it reads a page now and then, which needs no multiplexing. */
export function kinesis(): KinesisClient {
  return new KinesisClient({ requestHandler: requestHandler() });
}
