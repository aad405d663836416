// A table of the target, and its items.
import {
  type AttributeValue,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { startServices } from '../../../support/services.ts';

export type Item = Record<string, AttributeValue>;

export const services = await startServices();
export const { dynamoDb } = services;
export const TableName = await services.table();

let keys = 0;
export const newKey = (pk = `key-${(keys++).toString()}`, sk = 'a') => ({ pk: { S: pk }, sk: { S: sk } });
export const get = async (Key: Item) =>
  (await dynamoDb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
export const put = (Item: Item, more: object = {}) =>
  dynamoDb.send(new PutItemCommand({ TableName, Item, ...more }));
export const update = (Key: Item, more: Partial<UpdateItemCommandInput>) =>
  dynamoDb.send(new UpdateItemCommand({ TableName, Key, ...more }));

/** For `assert.rejects`. */
export const refusal = (error: unknown) => error instanceof Error && error.name === 'ValidationException';
