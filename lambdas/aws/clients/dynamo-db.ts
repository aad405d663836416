// The client of DynamoDB.
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { type Patience, requestHandler } from './connections.ts';

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
