// A DynamoDB table: strongly consistent reads, and writes for which a failed condition can be a result instead of an error.
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
  type UpdateItemOutput,
} from '@aws-sdk/client-dynamodb';
import { marshall, type NativeAttributeValue } from '@aws-sdk/util-dynamodb';

/** An item in the SDK's format. */
export type Item = Record<string, AttributeValue>;
/** A key in the SDK's format. */
export type Key = { pk: { S: string }; sk: { S: string } };
/** The values of an expression, by `:name`. */
export type Values = Readonly<Record<string, NativeAttributeValue>>;

/** An update of one item. In its expressions, `#name` is the attribute `name`. */
export interface Update {
  readonly key: Key;
  readonly update: string;
  readonly condition?: string;
  readonly values?: Values;
  /** The attributes of each `#name`, where they differ. */
  readonly names?: Readonly<Record<string, string>>;
  /** What the response has; nothing by default. */
  readonly returns?: 'ALL_OLD' | 'ALL_NEW';
}

/** The condition that no item has the key. */
export const ABSENT = 'attribute_not_exists(pk)';

/** Limit of keys in one BatchGetItem. */
const BATCH_KEYS = 100;

export function key(pk: string, sk: string): Key {
  return { pk: { S: pk }, sk: { S: sk } };
}

/** Fields in the SDK's format, without undefined ones. */
export function attributes(fields: Values): Item {
  return marshall(fields, { removeUndefinedValues: true });
}

export class Table {
  readonly client: DynamoDBClient;
  readonly name: string;

  constructor(client: DynamoDBClient, name: string) {
    this.client = client;
    this.name = name;
  }

  async get(key: Key): Promise<Item | undefined> {
    const get = new GetItemCommand({ TableName: this.name, Key: key, ConsistentRead: true });
    return (await this.client.send(get)).Item;
  }

  /** Reads the items that have one of these keys. @param of makes a result of them; their order is not defined */
  async getAll<Result>(keys: readonly Key[], of: (items: readonly Item[]) => Result): Promise<Result> {
    const items: Item[] = [];
    for (let at = 0; at < keys.length; at += BATCH_KEYS) {
      let asked = keys.slice(at, at + BATCH_KEYS);
      while (asked.length > 0) {
        const request = { [this.name]: { Keys: asked, ConsistentRead: true } };
        const get = new BatchGetItemCommand({ RequestItems: request });
        const { Responses, UnprocessedKeys } = await this.client.send(get);
        items.push(...(Responses?.[this.name] ?? []));
        asked = (UnprocessedKeys?.[this.name]?.Keys ?? []) as Key[];
      }
    }
    return of(items);
  }

  /** A partition's items, in order and in pages. @param between bounds of the sort key, both included */
  pages(pk: string, between?: readonly [from: string, to: string], pageSize?: number) {
    const query = {
      TableName: this.name,
      KeyConditionExpression: between === undefined ? 'pk = :pk' : 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: attributes({ ':pk': pk, ':from': between?.[0], ':to': between?.[1] }),
      ConsistentRead: true,
    };
    return paginateQuery({ client: this.client, ...(pageSize !== undefined && { pageSize }) }, query);
  }

  put(item: Item): Promise<unknown> {
    return this.client.send(new PutItemCommand({ TableName: this.name, Item: item }));
  }

  /** Puts an item if a condition holds; in the condition, `#name` is the attribute `name`. @returns whether it held */
  async putIf(condition: string, item: Item, values?: Values): Promise<boolean> {
    const put = new PutItemCommand({
      TableName: this.name,
      Item: item,
      ConditionExpression: condition,
      ...namesIn(condition),
      ...(values !== undefined && { ExpressionAttributeValues: attributes(values) }),
    });
    return (await unlessRefused(this.client.send(put))) !== undefined;
  }

  /** Updates an item. @throws ConditionalCheckFailedException when the condition fails */
  update({ key, update, condition, names, values, returns }: Update): Promise<UpdateItemOutput> {
    const command = new UpdateItemCommand({
      TableName: this.name,
      Key: key,
      UpdateExpression: update,
      ...(condition !== undefined && { ConditionExpression: condition }),
      ...(names === undefined
        ? namesIn(`${update} ${condition ?? ''}`)
        : { ExpressionAttributeNames: names }),
      ...(values !== undefined && { ExpressionAttributeValues: attributes(values) }),
      ...(returns !== undefined && { ReturnValues: returns }),
    });
    return this.client.send(command);
  }

  /** Updates an item. @returns the response; undefined when the condition failed */
  updated(update: Update): Promise<UpdateItemOutput | undefined> {
    return unlessRefused(this.update(update));
  }

  /** Updates an item. @returns whether the condition held */
  async updateIf(update: Update): Promise<boolean> {
    return (await this.updated(update)) !== undefined;
  }
}

/** What a conditional write returns; undefined when its condition failed. */
async function unlessRefused<Answer>(write: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

/** The names in an expression: some attributes' names are reserved words. */
function namesIn(expression: string) {
  const names = expression.match(/#\w+/g);
  return (
    names && { ExpressionAttributeNames: Object.fromEntries(names.map((name) => [name, name.slice(1)])) }
  );
}
