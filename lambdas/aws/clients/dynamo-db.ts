// The client of DynamoDB.
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '../sha256.ts';
import { type Patience, requestHandler } from './connections.ts';

/** A DynamoDB client. It retries, also after time-outs, so every write must be safe to apply twice. */
export function dynamoDb({
  requestTimeoutMs,
  ...config
}: DynamoDBClientConfig & Partial<Patience> = {}): DynamoDBClient {
  const client = new DynamoDBClient({ requestHandler: requestHandler(requestTimeoutMs), ...config });
  // It copies every request and answer for a log that is not kept.
  client.middlewareStack.remove('loggerMiddleware');
  // By default it makes a signer and a copy of its configuration for each request.
  const { region, credentials } = client.config;
  const signer = new SignatureV4({ service: 'dynamodb', region, credentials, sha256: Sha256 });
  client.config.signer = async () => signer;
  return client;
}
