// The usual fast counter: INCRBY in Redis for each event.
import { createClient } from '@redis/client';
import { type Counter, serveCounter } from './counting-server.ts';
import type { CountingSystem, SystemOptions } from './counting-system.ts';

const MINUTE_MS = 60_000;

/** Starts the server in front of a Redis that runs. One key a counter and minute: `metric#entity#minute`. */
export async function startRedisCounting({ redisPort = 6379, port }: SystemOptions): Promise<CountingSystem> {
  const client = createClient({ socket: { host: '127.0.0.1', port: redisPort } });
  // It connects again by itself; without a listener the process would end.
  client.on('error', () => {});
  await client.connect();
  const keyOf = (metric: string, entity: string, atMs: number) =>
    `${metric}#${entity}#${Math.floor(atMs / MINUTE_MS)}`;
  const counter: Counter = {
    // Calls of one turn of the event loop leave as one pipeline.
    count: async (events, nowMs) => {
      await Promise.all(
        events.map(({ metric, entity, at = nowMs, n = 1 }) => client.incrBy(keyOf(metric, entity, at), n)),
      );
    },
    minutes: async (metric, entity, hourMs) => {
      const keys = Array.from({ length: 60 }, (_, minute) =>
        keyOf(metric, entity, hourMs + minute * MINUTE_MS),
      );
      const sums = await client.mGet(keys);
      return new Map(sums.flatMap((n, minute) => (n === null ? [] : [[minute, Number(n)] as const])));
    },
  };
  const server = await serveCounter(counter, port);
  return {
    target: { url: server.url },
    counts: async () => {
      const sums = new Map<string, number>();
      for await (const keys of client.scanIterator({ COUNT: 1_000 })) {
        const values = keys.length === 0 ? [] : await client.mGet(keys);
        for (const [index, key] of keys.entries()) {
          const name = key.slice(0, key.lastIndexOf('#'));
          sums.set(name, (sums.get(name) ?? 0) + Number(values[index]));
        }
      }
      return sums;
    },
    stop: async () => {
      await server.stop();
      client.destroy();
    },
  };
}
