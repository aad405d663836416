// How a request reaches a system: over HTTP, or as packed records into the stream.
import { Agent, request } from 'node:http';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { type BenchEvent, type Mode, packs } from './workload.ts';

/** Where a system takes events. */
export interface Target {
  readonly url: string;
  /** Only with a stream of its own. */
  readonly stream?: { readonly endpoint: string; readonly name: string };
}

/** A request that is ready to be sent; it gives why it was not taken, or nothing. */
export type Send = () => Promise<string | undefined>;

/** Sends requests of one mode. */
export interface Sender {
  /** Makes the request, so that sending takes as little as possible of the machine. */
  prepare(events: readonly BenchEvent[]): Send;
  close(): void;
}

/** A sender over kept connections. */
export function createSender(target: Target, mode: Mode, connections: number): Sender {
  return mode.through === 'stream' ? toStream(target, connections) : toFrontDoor(target, connections);
}

function toFrontDoor({ url }: Target, connections: number): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    prepare: (events) => {
      const body = Buffer.from(JSON.stringify({ events }));
      return async () => {
        const { status, text } = await call(agent, url, 'POST', '/v1/events', body);
        return status === 202 ? undefined : `${status} ${text}`;
      };
    },
    close: () => agent.destroy(),
  };
}

function toStream({ stream }: Target, connections: number): Sender {
  if (stream === undefined) throw new Error('packed records need a stream');
  const client = new KinesisClient({
    endpoint: stream.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: connections } }),
  });
  return {
    prepare: (events) => {
      const Records = packs(events).map((pack) => ({
        PartitionKey: pack.key,
        Data: Buffer.from(JSON.stringify(pack.events)),
      }));
      const put = new PutRecordsCommand({ StreamName: stream.name, Records });
      return async () => {
        const { FailedRecordCount } = await client.send(put);
        return FailedRecordCount === 0 ? undefined : `${FailedRecordCount} records were not taken`;
      };
    },
    close: () => client.destroy(),
  };
}

/** One HTTP request. */
export function call(
  agent: Agent,
  url: string,
  method: 'GET' | 'POST',
  path: string,
  body?: Buffer,
): Promise<{ readonly status: number; readonly text: string }> {
  const headers = body && { 'content-type': 'application/json', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, { agent, method, ...(headers && { headers }) }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () =>
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
