// Shared parts of the alternatives: the HTTP shell, and sums of what is stored.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { listen } from '../../local/listening.ts';
import type { BenchEvent } from './load.ts';

/** Serves `POST /v1/events` (202 when `count` has counted every event) and `GET /v1/status` on 127.0.0.1. */
export async function serveCounter(count: (events: readonly BenchEvent[]) => Promise<void>) {
  let counted = 0;
  const handle = async (method: string, body: string) => {
    if (method !== 'POST') return { status: 200, answer: { counted } };
    const { events } = JSON.parse(body) as { events: BenchEvent[] };
    await count(events);
    counted += events.length;
    return { status: 202, answer: { accepted: events.length } };
  };
  const server = createServer(async (incoming, outgoing) => {
    const { status, answer } = await handle(incoming.method ?? '', await text(incoming)).catch((error) => {
      return { status: 503, answer: { message: String(error) } };
    });
    const json = JSON.stringify(answer);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) };
    outgoing.writeHead(status, headers).end(json);
  });
  return listen(server);
}

/** Sums of everything in a table. @param countsIn an item's counts, by `metric#entity` */
export async function sumTable(
  client: DynamoDBClient,
  TableName: string,
  countsIn: (item: Record<string, AttributeValue>) => readonly (readonly [name: string, n: number])[],
): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for await (const { Items = [] } of paginateScan({ client }, { TableName })) {
    for (const [name, n] of Items.flatMap(countsIn)) sums.set(name, (sums.get(name) ?? 0) + n);
  }
  return sums;
}
