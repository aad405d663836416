// The client of SQS.
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { requestHandler } from './connections.ts';

/** An SQS client. Queue URLs are taken for what they name; the endpoint is the client's. */
export function sqs(config: SQSClientConfig = {}): SQSClient {
  return new SQSClient({ requestHandler: requestHandler(), useQueueUrlAsEndpoint: false, ...config });
}
