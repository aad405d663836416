// The client of DynamoDB.
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '../sha256.ts';
import { type Patience, requestHandler } from './connections.ts';

/** A DynamoDB client. It retries by itself, time-outs included: every write of ours must bear being applied twice. */
export function dynamoDb({
  requestTimeoutMs,
  ...config
}: DynamoDBClientConfig & Partial<Patience> = {}): DynamoDBClient {
  const client = new DynamoDBClient({ requestHandler: requestHandler(requestTimeoutMs), ...config });
  // It copies every request and answer, attribute by attribute, for a log that nobody keeps.
  client.middlewareStack.remove('loggerMiddleware');
  // It makes a signer for each request, and a copy of its configuration for each signer.
  const { region, credentials } = client.config;
  const signer = new SignatureV4({ service: 'dynamodb', region, credentials, sha256: Sha256 });
  client.config.signer = async () => signer;
  return client;
}
