// DynamoDB without a network: what it answered once is answered again from memory, byte by byte, below the real SDK client.
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** A call as it was on the wire. */
export interface Call {
  /** `Query`, `GetItem` and so on. */
  readonly operation: string;
  /** The request's body, JSON. */
  readonly body: string;
}

/** The recording. */
export interface RecordedDynamoDb {
  /** Answers from memory from now on; what was not recorded is an error. */
  replay(): void;
  /** The calls made since this was asked last, in their order. */
  takeCalls(): readonly Call[];
}

/**
 * Takes the place of the sockets of all SDK clients of this process, those that functions make for themselves included:
 * everything above (serialising, signing, retrying, reading the answer's stream) is the SDK's own and as on AWS.
 * @param endpoint where the answers come from until `replay` is called, whatever endpoint a client has
 */
export function recordDynamoDb(endpoint: string): RecordedDynamoDb {
  const { protocol, hostname, port } = new URL(endpoint);
  const bySocket = NodeHttpHandler.prototype.handle;
  type Answer = Awaited<ReturnType<typeof bySocket>>['response'];
  const recorded = new Map<string, readonly [answer: Answer, body: Buffer]>();
  let isReplaying = false;
  let calls: Call[] = [];

  NodeHttpHandler.prototype.handle = async function handle(this: NodeHttpHandler, request, options) {
    const body = new TextDecoder().decode(request.body);
    const target = request.headers['x-amz-target'] ?? '';
    const key = `${target} ${body}`;
    if (!isReplaying) {
      calls.push({ operation: target.slice(target.indexOf('.') + 1), body });
      Object.assign(request, { protocol, hostname, port: Number(port) });
      const { response } = await bySocket.call(this, request, options);
      recorded.set(key, [response, await buffer(response.body)]);
    }
    const [answer, bytes] = recorded.get(key) ?? [];
    if (answer === undefined) throw new Error(`this call was not recorded: ${key}`);
    return { response: { ...answer, body: Readable.from([bytes], { objectMode: false }) } };
  };

  return {
    replay() {
      isReplaying = true;
    },
    takeCalls() {
      const taken = calls;
      calls = [];
      return taken;
    },
  };
}
