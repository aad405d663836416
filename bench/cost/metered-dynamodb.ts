// DynamoDB in memory, behind the SDK's client: answers the commands that the adapters send, and charges them by the documented formula.
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { READ_UNIT_BYTES, WRITE_UNIT_BYTES } from '../../plan/quotas.ts';
import { fulfils, type Item, type Placeholders, updated } from './expressions.ts';
import { itemBytes } from './item-bytes.ts';
import { lineName, type Meter } from './meter.ts';

interface Stored {
  readonly item: Item;
  readonly bytes: number;
}

/** What a write asks for. */
interface Write {
  readonly TableName: string | undefined;
  readonly ConditionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Item | undefined;
}

/** Items of all tables; a table's key is `pk` and `sk`, or `id`. */
class Tables {
  readonly #meter: Meter;
  readonly #tables = new Map<string, Map<string, Map<string, Stored>>>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  *items(table: string): Iterable<Item> {
    for (const partition of this.#tables.get(table)?.values() ?? []) {
      for (const { item } of partition.values()) yield item;
    }
  }

  get(table: string, key: Item): Item | undefined {
    const stored = this.#partition(table, key).get(sortKey(key));
    const readUnits = Math.max(1, Math.ceil((stored?.bytes ?? 0) / READ_UNIT_BYTES));
    this.#meter.note(lineName(table, key['sk']?.S, false), { calls: 1, readUnits });
    return stored?.item;
  }

  /** One page of a query of whole items, as far as the ledger asks for such. */
  query(input: QueryCommandInput): { Items: Item[]; LastEvaluatedKey?: Item } {
    const { ':pk': pk, ':from': from, ':to': to } = input.ExpressionAttributeValues ?? {};
    if (pk === undefined) throw new Error(`no such query: ${input.KeyConditionExpression}`);
    const named = [...this.#partition(input.TableName ?? '', { pk })]
      .filter(([sk]) => (from?.S ?? '') <= sk && (to?.S === undefined || sk <= to.S))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (input.ScanIndexForward === false) named.reverse();
    const after = input.ExclusiveStartKey?.['sk']?.S;
    const start = after === undefined ? 0 : named.findIndex(([sk]) => sk === after) + 1;
    const page = named.slice(start, start + (input.Limit ?? named.length));
    const bytes = page.reduce((sum, [, stored]) => sum + stored.bytes, 0);
    const readUnits = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES));
    this.#meter.note(lineName(input.TableName ?? '', page[0]?.[0], false), { calls: 1, readUnits });
    const last = page.at(-1);
    const more = last !== undefined && start + page.length < named.length;
    return {
      Items: page.map(([, { item }]) => item),
      ...(more && { LastEvaluatedKey: { pk, sk: { S: last[0] } } }),
    };
  }

  /**
   * Writes an item. A write costs a unit for each KB of the item before or after, whichever is larger; one whose condition fails
   * those of the item as it is; in a transaction both are twice as much.
   * @returns the item as it was
   */
  write(
    write: Write,
    key: Item,
    change: (before: Item) => Item,
    isUpdate: boolean,
    factor = 1,
  ): Item | undefined {
    const table = write.TableName ?? '';
    const partition = this.#partition(table, key);
    const before = partition.get(sortKey(key));
    const name = lineName(table, key['sk']?.S, isUpdate);
    if (!holdsFor(write, before?.item)) {
      this.#meter.note(name, { calls: 1, failed: 1, failedUnits: factor * units(before?.bytes ?? 0) });
      throw new ConditionalCheckFailedException({
        message: 'The conditional request failed',
        $metadata: {},
        ...(before !== undefined && { Item: before.item }),
      });
    }
    const item = change(before?.item ?? key);
    const bytes = itemBytes(item);
    partition.set(sortKey(key), { item, bytes });
    const writeUnits = factor * units(Math.max(bytes, before?.bytes ?? 0));
    this.#meter.note(name, { calls: factor === 1 ? 1 : 0, writeUnits });
    return before?.item;
  }

  /** All or nothing; a transaction that fails is charged like its writes. */
  transact({ input }: TransactWriteItemsCommand): void {
    const writes = (input.TransactItems ?? []).map(({ Put, Update }) => {
      if (Put !== undefined) {
        const item = Put.Item ?? {};
        return { write: Put as Write, key: keyOf(item), change: () => item, isUpdate: false };
      }
      if (Update === undefined) throw new Error('a transaction puts and updates');
      return {
        write: Update as Write,
        key: Update.Key ?? {},
        change: updating(Update as Write & Update),
        isUpdate: true,
      };
    });
    const failed = writes.some(
      ({ write, key }) =>
        !holdsFor(write, this.#partition(write.TableName ?? '', key).get(sortKey(key))?.item),
    );
    this.#meter.note('transactions', { calls: 1 });
    for (const { write, key, change, isUpdate } of writes) {
      if (!failed) this.write(write, key, change, isUpdate, 2);
      else {
        const before = this.#partition(write.TableName ?? '', key).get(sortKey(key));
        const failedUnits = 2 * units(before?.bytes ?? 0);
        this.#meter.note(lineName(write.TableName ?? '', key['sk']?.S, isUpdate), { failed: 1, failedUnits });
      }
    }
    if (failed) throw new TransactionCanceledException({ message: 'Transaction cancelled', $metadata: {} });
  }

  #partition(table: string, key: Item): Map<string, Stored> {
    let partitions = this.#tables.get(table);
    if (partitions === undefined) {
      partitions = new Map();
      this.#tables.set(table, partitions);
    }
    const name = (key['pk'] ?? key['id'])?.S ?? '';
    let partition = partitions.get(name);
    if (partition === undefined) {
      partition = new Map();
      partitions.set(name, partition);
    }
    return partition;
  }
}

interface Update {
  readonly UpdateExpression?: string | undefined;
}

const units = (bytes: number) => Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));

function sortKey(key: Item): string {
  return key['sk']?.S ?? '';
}

function keyOf(item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => ['pk', 'sk', 'id'].includes(name)));
}

function given(write: Write): Placeholders {
  return { names: write.ExpressionAttributeNames, values: write.ExpressionAttributeValues };
}

function holdsFor(write: Write, item: Item | undefined): boolean {
  return (
    write.ConditionExpression === undefined || fulfils(item ?? {}, write.ConditionExpression, given(write))
  );
}

function updating(write: Write & Update): (before: Item) => Item {
  return (before) => updated(before, write.UpdateExpression ?? '', given(write));
}

/** A client of tables that stand in memory. */
export interface MeteredDynamoDb {
  readonly client: DynamoDBClient;
  /** What a table holds. */
  items(table: string): Iterable<Item>;
}

/** Makes a client that sends nothing anywhere. Only what anything compared here sends is understood; all else is an error. */
export function meteredDynamoDb(meter: Meter): MeteredDynamoDb {
  const tables = new Tables(meter);
  const client = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
  });
  const answer = async (command: unknown): Promise<object> => {
    if (command instanceof UpdateItemCommand) {
      const { input } = command;
      const before = tables.write(input as Write, input.Key ?? {}, updating(input as Write & Update), true);
      return input.ReturnValues === 'ALL_OLD' && before !== undefined ? { Attributes: before } : {};
    }
    if (command instanceof PutItemCommand) {
      const item = command.input.Item ?? {};
      tables.write(command.input as Write, keyOf(item), () => item, false);
      return {};
    }
    if (command instanceof GetItemCommand) {
      return { Item: tables.get(command.input.TableName ?? '', command.input.Key ?? {}) };
    }
    if (command instanceof QueryCommand) return tables.query(command.input);
    if (command instanceof TransactWriteItemsCommand) {
      tables.transact(command);
      return {};
    }
    throw new Error(`nobody sends ${command?.constructor.name} here`);
  };
  client.send = answer as DynamoDBClient['send'];
  return { client, items: (table) => tables.items(table) };
}
