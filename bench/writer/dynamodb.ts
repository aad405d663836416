// DynamoDB as the benchmark of the writer needs it, below the real SDK client: the emulator's, or answers from memory.
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Item } from '../../lambdas/aws/ledger-items.ts';
import { entryItem } from '../../lambdas/aws/ledger-items.ts';
import type { WriterLoad } from './load.ts';

/** The tables' names, as in the functions' environment. */
export const TABLES = { counters: 'counters', ledger: 'ledger' } as const;

/** What the tables in memory answer. */
export interface MemoryAnswers {
  /** Whether counter items have every segment already: then each update is refused, with the item as it is. */
  readonly replayed: boolean;
  /** How long an answer takes, milliseconds; 0: none. */
  readonly latencyMs: number;
}

/** A request as it was on the wire. */
export interface Sent {
  /** `UpdateItem` and so on. */
  readonly operation: string;
  readonly body: Uint8Array;
}

/** All clients of this process reach this. */
export interface BenchDynamoDb {
  /** From now on calls go to an emulator. */
  forward(endpoint: string): void;
  /** From now on calls are answered from memory. */
  answer(load: WriterLoad, answers: MemoryAnswers): void;
  /** The calls made since this was asked last, in their order. */
  take(): readonly Sent[];
}

type Answer = Awaited<ReturnType<NodeHttpHandler['handle']>>['response'];
type Answering = (body: Buffer) => readonly [statusCode: number, body: Buffer];

const APPLIED = Buffer.from(`{"ConsumedCapacity":{"TableName":"${TABLES.counters}","CapacityUnits":1}}`);
const KEY_START = '"pk":{"S":"';
const HEADERS = { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'A'.repeat(52) };

/**
 * Takes the place of the sockets of all SDK clients of this process, those that functions make for themselves included: all
 * above (serialising, signing, retrying, reading an answer's stream) is the SDK's own and as on AWS.
 */
export function benchDynamoDb(): BenchDynamoDb {
  const bySocket = NodeHttpHandler.prototype.handle;
  let endpoint: URL | undefined;
  let answering: Answering | undefined;
  let latencyMs = 0;
  let sent: Sent[] = [];

  NodeHttpHandler.prototype.handle = async function handle(this: NodeHttpHandler, request, options) {
    const body: Uint8Array = typeof request.body === 'string' ? Buffer.from(request.body) : request.body;
    const target = request.headers['x-amz-target'] ?? '';
    sent.push({ operation: target.slice(target.indexOf('.') + 1), body });
    if (endpoint !== undefined) {
      const { protocol, hostname, port } = endpoint;
      Object.assign(request, { protocol, hostname, port: Number(port) });
      return bySocket.call(this, request, options);
    }
    if (answering === undefined) throw new Error('nobody answers for DynamoDB');
    if (latencyMs > 0) await pause(latencyMs);
    const [statusCode, bytes] = answering(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
    const answer = { statusCode, headers: { ...HEADERS, 'content-length': String(bytes.length) } };
    return { response: { ...answer, body: Readable.from([bytes], { objectMode: false }) } as Answer };
  };

  return {
    forward(to) {
      endpoint = new URL(to);
    },
    answer(load, answers) {
      endpoint = undefined;
      answering = answersOf(load, answers);
      latencyMs = answers.latencyMs;
    },
    take() {
      const taken = sent;
      sent = [];
      return taken;
    },
  };
}

/** Answers as DynamoDB gives them, made beforehand: to look one up takes about a microsecond. */
function answersOf(load: WriterLoad, { replayed }: MemoryAnswers): Answering {
  const entries = new Map<string, Buffer>();
  for (const { shard, entry } of load.entries.values()) {
    const acked = replayed ? { acked: { NS: ['0'] } } : {};
    const Attributes: Item = { ...entryItem(shard, entry, undefined), ...acked };
    const ConsumedCapacity = { TableName: TABLES.ledger, CapacityUnits: 2 };
    entries.set(Attributes['sk']?.S ?? '', Buffer.from(JSON.stringify({ Attributes, ConsumedCapacity })));
  }
  const refusal = Buffer.from(JSON.stringify(refused([...load.entries.keys()], load.events)));
  return (body) => {
    const start = body.indexOf(KEY_START);
    const head = body.toString('latin1', start, start + 120);
    if (!head.includes('#H#')) {
      const sk = /"sk":\{"S":"([^"]+)"/.exec(head)?.[1] ?? '';
      const entry = entries.get(sk);
      if (entry === undefined) throw new Error(`no segment has the entry ${sk}`);
      return [200, entry];
    }
    return replayed ? [400, refusal] : [200, APPLIED];
  };
}

/** A failed condition, with the item as it is. */
function refused(segments: readonly string[], events: number) {
  return {
    __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
    Item: {
      pk: { S: '/videos/0000/0000000' },
      sk: { S: 'pageview#H#2026-11-22T05' },
      n: { N: String(events) },
      e: { N: String(events) },
      m07: { N: String(events) },
      applied: { SS: segments },
    },
    message: 'The conditional request failed',
  };
}
