// DynamoDB in memory: what each operation does when its request arrives.
import {
  ConditionalCheckFailedException,
  type CreateTableInput,
  type DeleteItemInput,
  DynamoDBClient,
  type GetItemInput,
  type PutItemInput,
  ResourceInUseException,
  ResourceNotFoundException,
  type UpdateItemInput,
} from '@aws-sdk/client-dynamodb';
import type { Clock, Crossings, Transport } from '../call.ts';
import { makeClient, type Operations } from '../client.ts';
import { onlyKnown, refused, validationError } from '../errors.ts';
import { batchGet, batchWrite } from './batches.ts';
import { expressionsOf } from './expressions.ts';
import { capacity, DYNAMODB_LIMITS, type DynamoDbLimits, readUnits, writeUnits } from './limits.ts';
import { query, READ_FIELDS, scan } from './pages.ts';
import { projected } from './paths.ts';
import { type KeyAttribute, Table, type TableSettings, type Version } from './table.ts';
import { transact } from './transactions.ts';
import { type Item, itemBytes } from './values.ts';
import { checkKey, deleteOf, holds, putOf, updateOf, type Write } from './writes.ts';

/** The capacity consumed by a request. */
export interface Consumed {
  readonly table: string;
  /** The item's key; for a query, scan or empty answer the first item's, if there is one. */
  readonly key: Item | undefined;
  readonly readUnits: number;
  readonly writeUnits: number;
}

/** How DynamoDB behaves. */
export interface DynamoDbOptions {
  readonly clock: Clock;
  readonly crossings: Crossings;
  readonly limits?: Partial<DynamoDbLimits>;
  /** Milliseconds from an item's expiry to its deletion; 0 by default. */
  readonly ttlDelayMs?: (table: string, item: Item) => number;
  /** How many versions back an eventually consistent read of an item goes; 0 by default. */
  readonly staleness?: ((table: string) => number) | undefined;
  /** How many of a batch's requests are processed; all by default. */
  readonly processed?: ((requests: number) => number) | undefined;
  readonly onConsumed?: (consumed: Consumed) => void;
  readonly onChange?: (
    table: string,
    before: Item | undefined,
    after: Item | undefined,
    cause: 'write' | 'expiry',
  ) => void;
}

const VERSIONS_KEPT = 3;
const WRITE_FIELDS =
  'TableName ReturnConsumedCapacity ReturnValues ReturnValuesOnConditionCheckFailure ConditionExpression ExpressionAttributeNames ExpressionAttributeValues';
const KNOWN = {
  PutItem: `${WRITE_FIELDS} Item`,
  UpdateItem: `${WRITE_FIELDS} Key UpdateExpression`,
  DeleteItem: `${WRITE_FIELDS} Key`,
};

/** The tables, and clients for them. */
export class FakeDynamoDb {
  readonly #options: DynamoDbOptions;
  readonly limits: DynamoDbLimits;
  readonly #tables = new Map<string, Table>();
  readonly #operations: Operations = {
    CreateTable: (input) => this.#createTable(input),
    DeleteTable: ({ TableName }) => {
      this.table(TableName);
      this.#tables.delete(TableName);
      return {};
    },
    DescribeTable: ({ TableName }) => {
      this.table(TableName);
      return { Table: { TableName, TableStatus: 'ACTIVE' } };
    },
    GetItem: (input) => this.#get(input),
    PutItem: (input) => this.#writeItem('PutItem', input, putOf),
    UpdateItem: (input) => this.#writeItem('UpdateItem', input, updateOf),
    DeleteItem: (input) => this.#writeItem('DeleteItem', input, deleteOf),
    Query: (input) => query(input, this),
    Scan: (input) => scan(input, this),
    BatchGetItem: (input) => batchGet(input, this),
    BatchWriteItem: (input) => batchWrite(input, this),
    TransactWriteItems: (input) => transact(input, this),
  };

  constructor(options: DynamoDbOptions) {
    this.#options = options;
    this.limits = { ...DYNAMODB_LIMITS, ...options.limits };
  }

  /** A client whose calls go through a transport. */
  client(transport?: Transport): DynamoDBClient {
    return makeClient(DynamoDBClient.prototype, 'dynamodb', this.#operations, transport);
  }

  /** Creates a table with text keys `pk` and `sk`, or other keys. */
  addTable(name: string, settings: Partial<TableSettings> = {}): Table {
    if (this.#tables.has(name)) {
      throw new ResourceInUseException(refused(`Table already exists: ${name}`));
    }
    const { clock, ttlDelayMs, staleness, onChange } = this.#options;
    const table = new Table(
      { hash: { name: 'pk', type: 'S' }, range: { name: 'sk', type: 'S' }, ...settings },
      {
        clock,
        ttlDelayMs: (item) => ttlDelayMs?.(name, item) ?? 0,
        versionsKept: staleness === undefined ? 0 : VERSIONS_KEPT,
        changed: (before, after, cause) => onChange?.(name, before, after, cause),
      },
    );
    this.#tables.set(name, table);
    return table;
  }

  /** A table. @throws ResourceNotFoundException */
  table(name: string | undefined): Table {
    const table = this.#tables.get(name ?? '');
    if (table === undefined) {
      throw new ResourceNotFoundException(refused(`Requested resource not found: Table: ${name} not found`));
    }
    return table;
  }

  #createTable({ TableName, KeySchema = [], AttributeDefinitions = [], ...rest }: CreateTableInput): object {
    onlyKnown('CreateTable', rest, 'BillingMode');
    const attribute = (kind: 'HASH' | 'RANGE'): KeyAttribute | undefined => {
      const name = KeySchema.find(({ KeyType }) => KeyType === kind)?.AttributeName;
      const type = AttributeDefinitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType;
      return name === undefined ? undefined : { name, type: (type ?? 'S') as KeyAttribute['type'] };
    };
    const hash = attribute('HASH');
    if (hash === undefined) throw validationError('a table has a hash key');
    this.addTable(TableName ?? '', { hash, range: attribute('RANGE') });
    return { TableDescription: { TableName, TableStatus: 'ACTIVE' } };
  }

  #get(input: GetItemInput): object {
    onlyKnown('GetItem', input, `${READ_FIELDS} Key`);
    const { TableName = '', Key = {}, ConsistentRead = false } = input;
    const table = this.table(TableName);
    checkKey(table, Key);
    const { item, bytes } = this.read(TableName, table.version(Key), ConsistentRead);
    const { projection } = expressionsOf(input);
    const units = readUnits(bytes, ConsistentRead);
    this.consumed({ table: TableName, key: Key, readUnits: units });
    return {
      ...(item !== undefined && { Item: projected(item, projection) }),
      ...capacity(input, TableName, units),
    };
  }

  /** Carries out a write, and answers what was asked for. */
  #writeItem<Input extends PutItemInput | UpdateItemInput | DeleteItemInput>(
    operation: keyof typeof KNOWN,
    input: Input,
    writeOf: (input: Input, table: Table) => Write,
  ): object {
    onlyKnown(operation, input, KNOWN[operation]);
    const write = writeOf(input, this.table(input.TableName));
    const { before, after, units } = this.write(write);
    const { updated } = write.expressions;
    const answers: Readonly<Record<string, () => Item | undefined>> = {
      ALL_OLD: () => before,
      ALL_NEW: () => after,
      UPDATED_OLD: () => before && projected(before, updated),
      UPDATED_NEW: () => after && projected(after, updated),
    };
    const Attributes = answers[input.ReturnValues ?? 'NONE']?.();
    return {
      ...(Attributes !== undefined && { Attributes: { ...Attributes } }),
      ...capacity(input, write.table, units),
    };
  }

  /**
   * Writes an item, if its condition holds. A write consumes the larger size of the item before and after; a failed condition,
   * the size of the existing item.
   * @throws ConditionalCheckFailedException
   */
  write(write: Write, factor = 1): { before: Item | undefined; after: Item | undefined; units: number } {
    const { table: name, key, input } = write;
    const table = this.table(name);
    const version = table.version(key);
    const before = version?.item;
    if (!holds(write, before)) {
      this.failedCondition(write, factor);
      throw new ConditionalCheckFailedException({
        ...refused('The conditional request failed'),
        ...(input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' &&
          before !== undefined && { Item: { ...before } }),
      });
    }
    const after = write.change(before);
    const bytes = after === undefined ? 0 : itemBytes(after);
    if (bytes > this.limits.itemBytes) {
      this.crossed('item too large');
      throw validationError('Item size has exceeded the maximum allowed size');
    }
    const units = factor * writeUnits(Math.max(bytes, version?.bytes ?? 0));
    if (before !== undefined || after !== undefined) table.put(key, after, bytes);
    this.consumed({ table: name, key, writeUnits: units });
    return { before, after, units };
  }

  /** Charges for a failed condition. */
  failedCondition({ table, key }: Write, factor = 1): void {
    const bytes = this.table(table).version(key)?.bytes ?? 0;
    this.consumed({ table, key, writeUnits: factor * writeUnits(bytes) });
  }

  /** How many requests of a batch are processed. */
  processed(requests: number): number {
    return this.#options.processed?.(requests) ?? requests;
  }

  /** Records that a limit was crossed. */
  crossed(limit: string): void {
    this.#options.crossings.note(`dynamodb ${limit}`);
  }

  /** The version that a read returns: an eventually consistent one may return an older one. */
  read(table: string, newest: Version | undefined, isConsistent: boolean): Version {
    let version = newest;
    const back = isConsistent ? 0 : (this.#options.staleness?.(table) ?? 0);
    for (let step = 0; step < back && version !== undefined; step += 1) version = version.before;
    if (version !== newest) this.crossed('stale read');
    return version ?? { item: undefined, bytes: 0, before: undefined };
  }

  /** Reports the consumed capacity. */
  consumed(consumed: Pick<Consumed, 'table' | 'key'> & Partial<Consumed>): void {
    this.#options.onConsumed?.({ readUnits: 0, writeUnits: 0, ...consumed });
  }
}
