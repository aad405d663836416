// DynamoDB, SQS and the stream as the aggregator meets them, answered from memory below the SDK's real clients, and free of charge.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** An item in DynamoDB's JSON. */
export type JsonItem = Readonly<Record<string, unknown>>;

/** What stands in for the services. */
export interface AnsweredServices {
  /** Puts an item, as if it had been written before. */
  hold(item: JsonItem): void;
  /** Forgets all items but the heads of shards. */
  keepHeadsOnly(): void;
  /** The bodies of messages sent since this was asked last. */
  takeBodies(): string[];
  /** Processor time that the answers themselves took since this was asked last, microseconds. */
  takeOwnMicros(): number;
}

type Call = Readonly<Record<string, unknown>> & { readonly Item?: JsonItem };

const keyOf = ({ pk, sk }: JsonItem) => JSON.stringify([pk, sk]);

/**
 * Takes the place of the sockets of all SDK clients of this process; what is above is the SDK's own. There is one writer, so
 * every condition holds. Nothing is told apart by table.
 */
export function answerServices(): AnsweredServices {
  const items = new Map<string, JsonItem>();
  let bodies: string[] = [];
  let ownMicros = 0;
  const calls: Readonly<Record<string, (call: Call) => object>> = {
    PutItem: ({ Item = {}, TableName }) => {
      // Ids and names are kept by the ledger; here they would only fill the memory that is to be measured.
      if (!/^(IDS|KEYS|SEG)#/.test(sortKey(Item))) items.set(keyOf(Item), Item);
      return { ConsumedCapacity: { TableName, CapacityUnits: 1 } };
    },
    GetItem: ({ Key }) => ({ Item: items.get(keyOf(Key as JsonItem)) }),
    // Entries, latest first, or ids.
    Query: ({ ExpressionAttributeValues, ScanIndexForward }) => {
      const { ':from': from, ':to': to } = ExpressionAttributeValues as Record<string, { S: string }>;
      const Items = [...items.values()]
        .filter((item) => sortKey(item) >= (from?.S ?? '') && sortKey(item) <= (to?.S ?? ''))
        .sort((a, b) => (sortKey(a) < sortKey(b) === (ScanIndexForward === false) ? 1 : -1));
      return { Items, Count: Items.length };
    },
    // Asked once, for the parents of a shard that has no head yet: it has none.
    ListShards: () => ({ Shards: [] }),
    SendMessageBatch: ({ Entries }) => ({
      Successful: (Entries as { Id: string; MessageBody: string }[]).map(({ Id, MessageBody }) => {
        bodies.push(MessageBody);
        return { Id, MessageId: Id, MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') };
      }),
    }),
  };

  NodeHttpHandler.prototype.handle = async function handle(this: NodeHttpHandler, request) {
    const before = process.threadCpuUsage();
    const target = request.headers['x-amz-target'] ?? '';
    const name = target.slice(target.indexOf('.') + 1);
    const answer = calls[name];
    if (answer === undefined) throw new Error(`the aggregator is not expected to call ${target}`);
    const text = typeof request.body === 'string' ? request.body : new TextDecoder().decode(request.body);
    const bytes = Buffer.from(JSON.stringify(answer(JSON.parse(text))));
    const { user, system } = process.threadCpuUsage(before);
    ownMicros += user + system;
    const headers = { 'content-type': 'application/x-amz-json-1.0' };
    const body = Readable.from([bytes], { objectMode: false });
    return { response: { statusCode: 200, reason: 'OK', headers, body } };
  } as NodeHttpHandler['handle'];

  return {
    hold: (item) => items.set(keyOf(item), item),
    keepHeadsOnly() {
      for (const [key, item] of items) if (sortKey(item) !== 'HEAD') items.delete(key);
    },
    takeBodies() {
      const taken = bodies;
      bodies = [];
      return taken;
    },
    takeOwnMicros() {
      const taken = ownMicros;
      ownMicros = 0;
      return taken;
    },
  };
}

function sortKey({ sk }: JsonItem): string {
  return (sk as { S: string }).S;
}
