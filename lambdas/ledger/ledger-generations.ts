// The ledger's list of generations, and the end of a shard in one of them, on DynamoDB.
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { succeeds } from '../aws/conditional-write.ts';
import type { Generation } from '../core/generation.ts';
import type { ShardKey } from '../core/identifiers.ts';
import type { Head } from '../core/segment.ts';
import { headItem, ledgerKeys } from './ledger-items.ts';

interface GenerationTable {
  readonly client: DynamoDBClient;
  readonly table: string;
}

export async function readGenerations({ client, table }: GenerationTable): Promise<readonly Generation[]> {
  const get = new GetItemCommand({ TableName: table, Key: ledgerKeys.generations(), ConsistentRead: true });
  const { Item } = await client.send(get);
  return Item === undefined ? [] : unmarshall(Item)['generations'];
}

export async function putGenerations(
  { client, table }: GenerationTable,
  generations: readonly Generation[],
  length: number,
): Promise<'put' | 'conflict'> {
  const first = length === 0;
  const put = new PutItemCommand({
    TableName: table,
    Item: { ...ledgerKeys.generations(), ...marshall({ generations }) },
    ConditionExpression: first ? 'attribute_not_exists(pk)' : 'size(generations) = :length',
    ...(!first && { ExpressionAttributeValues: { ':length': { N: String(length) } } }),
  });
  return (await succeeds(client, put)) ? 'put' : 'conflict';
}

export async function endHead(
  { client, table }: GenerationTable,
  shard: ShardKey,
  ended: Head,
): Promise<'ended' | 'conflict'> {
  const none = ended.segment === 0;
  const put = new PutItemCommand({
    TableName: table,
    Item: headItem(shard, ended),
    ConditionExpression: none ? 'attribute_not_exists(pk)' : '#segment = :segment AND #status = :sent',
    ...(!none && {
      ExpressionAttributeNames: { '#segment': 'segment', '#status': 'status' },
      ExpressionAttributeValues: { ':segment': { N: String(ended.segment) }, ':sent': { S: 'sent' } },
    }),
  });
  return (await succeeds(client, put)) ? 'ended' : 'conflict';
}
