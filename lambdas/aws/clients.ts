// The SDK's clients, configured once. Endpoints come from the SDK's own variables, so that the local stack can give others.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Connections kept for reuse, and time-outs far below a function's own. */
function requestHandler(): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    throwOnRequestTimeout: true,
    httpsAgent: { keepAlive: true, maxSockets: 64 },
    httpAgent: { keepAlive: true, maxSockets: 64 },
  });
}

/** A DynamoDB client. It retries by itself, time-outs included: every write of ours must bear being applied twice. */
export function dynamoDb(): DynamoDBClient {
  return new DynamoDBClient({ requestHandler: requestHandler() });
}

/** A Kinesis client on HTTP/1.1: it reads a page now and then, which needs no multiplexing. */
export function kinesis(): KinesisClient {
  return new KinesisClient({ requestHandler: requestHandler() });
}

/** An SQS client. Queue URLs are taken for what they name; the endpoint is the client's. */
export function sqs(): SQSClient {
  return new SQSClient({ requestHandler: requestHandler(), useQueueUrlAsEndpoint: false });
}

/** An S3 client. Path style works with every bucket name and needs no host of the bucket's own. */
export function s3(): S3Client {
  return new S3Client({ requestHandler: requestHandler(), forcePathStyle: true });
}

/** A Systems Manager client, for parameters. */
export function ssm(): SSMClient {
  return new SSMClient({ requestHandler: requestHandler() });
}
