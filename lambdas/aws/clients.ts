// The SDK's clients, configured once. Endpoints come from the SDK's own variables, so that the local stack can give others;
// an operator's commands give them as configuration.
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { SSMClient, type SSMClientConfig } from '@aws-sdk/client-ssm';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** How long a call may take, and how often it is made: all tries must fit into the time that a function keeps in reserve. */
export interface Patience {
  readonly requestTimeoutMs: number;
  readonly maxAttempts: number;
}

/** Connections kept for reuse, and time-outs far below a function's own. */
function requestHandler(requestTimeoutMs = 5_000): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: 2_000,
    requestTimeout: requestTimeoutMs,
    throwOnRequestTimeout: true,
    httpsAgent: { keepAlive: true, maxSockets: 64 },
    httpAgent: { keepAlive: true, maxSockets: 64 },
  });
}

/** A DynamoDB client. It retries by itself, time-outs included: every write of ours must bear being applied twice. */
export function dynamoDb({
  requestTimeoutMs,
  ...config
}: DynamoDBClientConfig & Partial<Patience> = {}): DynamoDBClient {
  const client = new DynamoDBClient({ requestHandler: requestHandler(requestTimeoutMs), ...config });
  // It copies every request and answer, attribute by attribute, for a log that nobody keeps.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}

/** A Kinesis client on HTTP/1.1: it reads a page now and then, which needs no multiplexing. */
export function kinesis(): KinesisClient {
  return new KinesisClient({ requestHandler: requestHandler() });
}

/** An SQS client. Queue URLs are taken for what they name; the endpoint is the client's. */
export function sqs(config: SQSClientConfig = {}): SQSClient {
  return new SQSClient({ requestHandler: requestHandler(), useQueueUrlAsEndpoint: false, ...config });
}

/** An S3 client. Path style works with every bucket name and needs no host of the bucket's own. */
export function s3(config: S3ClientConfig = {}): S3Client {
  return new S3Client({ requestHandler: requestHandler(), forcePathStyle: true, ...config });
}

/** A Systems Manager client, for parameters. */
export function ssm(config: SSMClientConfig = {}): SSMClient {
  return new SSMClient({ requestHandler: requestHandler(), ...config });
}
