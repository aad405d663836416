// A second pair of tables, with the first one's keys and indexes.
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DescribeTableCommandOutput,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';

/** Creates a table with the keys and indexes of another, which may no longer exist, unless it exists. @returns its name */
export async function tableLike(client: DynamoDBClient, like: string, TableName: string): Promise<string> {
  const { Table } = await client
    .send(new DescribeTableCommand({ TableName: like }))
    .catch((error: unknown): DescribeTableCommandOutput | { Table?: undefined } => {
      if (error instanceof ResourceNotFoundException) return {};
      throw error;
    });
  const indexes = (Table?.GlobalSecondaryIndexes ?? []).map(({ IndexName, KeySchema, Projection }) => ({
    IndexName,
    KeySchema,
    Projection,
  }));
  const create = new CreateTableCommand({
    TableName,
    KeySchema: Table?.KeySchema ?? [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: Table?.AttributeDefinitions ?? [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    BillingMode: 'PAY_PER_REQUEST',
    ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
  });
  await client.send(create).catch((error: unknown) => {
    if (!(error instanceof ResourceInUseException)) throw error;
  });
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
  return TableName;
}
