// How a request reaches a system: over HTTP, its events one by one or as a batch.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
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
export function createSender({ url }: Target, { batched }: Mode, connections: number): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    prepare: (events) => {
      const body = Buffer.from(JSON.stringify(batched ? batchOf(events) : { events }));
      return async () => {
        const { status, text } = await call(agent, url, 'POST', '/v1/events', body);
        return status === 202 ? undefined : `${status} ${text}`;
      };
    },
    close: () => agent.destroy(),
  };
}

/** Under a key of its own; its events then need no ids. */
function batchOf(events: readonly BenchEvent[]) {
  return { batch: randomUUID(), events: events.map(({ id: _, ...event }) => event) };
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
