// How a request reaches a system: over HTTP, its events one by one or in packs.
import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { PACK_BUCKETS_DEFAULT, packsOf } from '../../client/src/packs.ts';
import type { BenchEvent, Mode } from './workload.ts';

/** Where a system takes events. */
export interface Target {
  readonly url: string;
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
export function createSender({ url }: Target, { packed }: Mode, connections: number): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const path = packed ? '/v1/events:packed' : '/v1/events';
  return {
    prepare: (events) => {
      const body = Buffer.from(
        JSON.stringify(packed ? { packs: packsOf(events, idOf, md5, PACK_BUCKETS_DEFAULT) } : { events }),
      );
      return async () => {
        const { status, text } = await call(agent, url, 'POST', path, body);
        return status === 202 ? undefined : `${status} ${text}`;
      };
    },
    close: () => agent.destroy(),
  };
}

const idOf = ({ id }: BenchEvent) => id;
const md5 = (text: string) => createHash('md5').update(text).digest();

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
