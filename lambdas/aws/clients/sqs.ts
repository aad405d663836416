// The client of SQS.
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { requestHandler } from './connections.ts';

/** An SQS client. Requests go to the client's endpoint, whatever host a queue's URL has. */
export function sqs(config: SQSClientConfig = {}): SQSClient {
  return new SQSClient({ requestHandler: requestHandler(), useQueueUrlAsEndpoint: false, ...config });
}
