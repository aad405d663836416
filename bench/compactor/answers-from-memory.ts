// The compactor's calls of DynamoDB, answered from memory below the real SDK client: lists of touched counters, counter items, levels, top lists.
import { Readable } from 'node:stream';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** An item in DynamoDB's JSON. */
type Item = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A request as it is on the wire; only what the compactor sends. */
interface Request {
  readonly Key?: Item;
  readonly Item?: Item;
  readonly ExpressionAttributeValues?: Item;
  readonly UpdateExpression?: string;
  readonly RequestItems?: Readonly<Record<string, { readonly Keys: readonly Item[] }>>;
}

/** What is behind the client. */
export class AnswersFromMemory {
  /** Levels, lists and touched counters, by key. */
  readonly items = new Map<string, Item>();
  /** Calls by operation. */
  readonly calls = new Map<string, number>();
  /** A counter item for each hour that is asked for. */
  readonly #counterItem: (entity: string, sk: string) => Item;

  constructor(counterItem: (entity: string, sk: string) => Item) {
    this.#counterItem = counterItem;
  }

  /** Takes the place of the sockets of all SDK clients of this process. */
  install(): void {
    const answer = (target: string, body: string) =>
      this.#answer(target.slice(target.indexOf('.') + 1), body);
    NodeHttpHandler.prototype.handle = async (request) => {
      const body = answer(request.headers['x-amz-target'] ?? '', new TextDecoder().decode(request.body));
      const headers = { 'content-type': 'application/x-amz-json-1.0', 'content-length': String(body.length) };
      const response = { statusCode: 200, headers, body: Readable.from([body], { objectMode: false }) };
      return { response } as unknown as Awaited<ReturnType<NodeHttpHandler['handle']>>;
    };
  }

  #answer(operation: string, body: string): Buffer {
    this.calls.set(operation, (this.calls.get(operation) ?? 0) + 1);
    return Buffer.from(JSON.stringify(this.#carriedOut(operation, JSON.parse(body) as Request)));
  }

  #carriedOut(operation: string, request: Request): unknown {
    const { Key = {}, Item: item, ExpressionAttributeValues: values = {}, RequestItems = {} } = request;
    if (operation === 'GetItem') return { Item: this.items.get(nameOf(Key)) };
    if (operation === 'PutItem' && item !== undefined) {
      this.items.set(nameOf(item), item);
      return {};
    }
    if (operation === 'UpdateItem') {
      const before = this.items.get(nameOf(Key)) ?? Key;
      const set = (request.UpdateExpression ?? '').replace(/^SET /, '').split(', ');
      const changed = set.map((one) => one.split(' = ') as [string, string]);
      const after = changed.map(
        ([attribute, placeholder]) => [attribute, values[placeholder] ?? {}] as const,
      );
      this.items.set(nameOf(Key), { ...before, ...Object.fromEntries(after) });
      return {};
    }
    if (operation === 'Query') {
      const from = String(values[':from']?.['S']);
      return { Items: [this.#counterItem(String(values[':pk']?.['S']), from)], Count: 1 };
    }
    if (operation === 'BatchGetItem') {
      const found = Object.entries(RequestItems).map(
        ([table, { Keys }]) => [table, Keys.map((key) => this.items.get(nameOf(key)))] as const,
      );
      return { Responses: Object.fromEntries(found), UnprocessedKeys: {} };
    }
    throw new Error(`the compactor called ${operation}`);
  }
}

/** The name under which an item is kept. */
export function nameOf(key: Item): string {
  return `${String(key['pk']?.['S'])}\n${String(key['sk']?.['S'])}`;
}
