// The client of Kinesis.
import { KinesisClient, type KinesisClientConfig } from '@aws-sdk/client-kinesis';
import { requestHandler } from './connections.ts';

/** A Kinesis client on HTTP/1.1: occasional reads need no multiplexing. */
export function kinesis(config: KinesisClientConfig = {}): KinesisClient {
  return new KinesisClient({ requestHandler: requestHandler(), ...config });
}
