// Conditional writes, for which a failed condition is a result and not an error.
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  type PutItemCommand,
  type UpdateItemCommand,
  type UpdateItemOutput,
} from '@aws-sdk/client-dynamodb';

/** Sends a conditional write. @returns the response; undefined when the condition failed */
export async function conditionally(
  client: DynamoDBClient,
  write: PutItemCommand | UpdateItemCommand,
): Promise<UpdateItemOutput | undefined> {
  try {
    return await client.send(write as UpdateItemCommand);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

export async function succeeds(
  client: DynamoDBClient,
  write: PutItemCommand | UpdateItemCommand,
): Promise<boolean> {
  return (await conditionally(client, write)) !== undefined;
}
