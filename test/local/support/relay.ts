// The test's end of the relay handler: sees each invocation and says how it ends.
import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { after } from 'node:test';
import { listen } from '../../../local/listening.ts';

/** One invocation, as the relay handler reports it. */
export interface Invocation {
  // biome-ignore lint/suspicious/noExplicitAny: events are of every shape, and tests say which.
  readonly event: any;
  readonly functionName: string;
  readonly awsRequestId: string;
  readonly remainingMs: number;
  /** How many the handler's container has had, this one included. */
  readonly invocations: number;
  readonly env: Readonly<Record<string, string>>;
}

/** How an invocation ends; undefined: it hangs. */
export type Order =
  | { return: unknown }
  | { throw: string }
  | { print: string; return?: unknown }
  | { exit: true }
  | { loop: true }
  | undefined;

/** Listens for invocations; `decide` says how each ends. Closed after the file's tests. */
export async function startRelay(
  decide: (invocation: Invocation) => Order | Promise<Order>,
): Promise<string> {
  const hanging = new Set<ServerResponse>();
  const server = createServer(async (incoming, outgoing) => {
    const order = await decide((await json(incoming)) as Invocation);
    if (order === undefined) hanging.add(outgoing);
    else outgoing.end(JSON.stringify(order));
  });
  const { endpoint, stop } = await listen(server);
  after(stop);
  return endpoint;
}
