// A container's first batch of a shard: a fresh process reads the shard's whole dedup window from the ledger.
import { DedupWindows, type WindowPlan } from '../../lambdas/aggregator/windows.ts';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { systemClock } from '../../lambdas/aws/telemetry.ts';
import type { ShardKey } from '../../lambdas/core/identifiers.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { processorMs } from '../end-to-end/figures.ts';

export interface LoadTask {
  readonly table: string;
  readonly shard: ShardKey;
  readonly plan: WindowPlan;
}

/** Processor time is of user and system. Mebibytes: typed arrays and buffers after a collection, and peak resident memory, less what was there before. */
export type Loaded = Awaited<ReturnType<typeof load>>;

process.once('message', async (task: LoadTask) => {
  process.send?.(await load(task));
  process.disconnect();
});

async function load({ table, shard, plan }: LoadTask) {
  const client = dynamoDb();
  const made = { requests: 0, open: 0, mostAtOnce: 0, readUnits: 0 };
  client.middlewareStack.add(
    (next) => async (args) => {
      made.requests += 1;
      made.open += 1;
      made.mostAtOnce = Math.max(made.mostAtOnce, made.open);
      const answer = await next({
        ...args,
        input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } as never,
      });
      made.open -= 1;
      const { ConsumedCapacity } = answer.output as { ConsumedCapacity?: { CapacityUnits?: number } };
      made.readUnits += ConsumedCapacity?.CapacityUnits ?? 0;
      return answer;
    },
    { step: 'initialize' },
  );
  const ledger = new LedgerTable(client, table, systemClock);
  await ledger.readHead(shard);
  Object.assign(made, { requests: 0, mostAtOnce: 0, readUnits: 0 });
  globalThis.gc?.();
  const before = { ...process.memoryUsage(), at: performance.now(), cpuMs: processorMs() };
  const windows = new DedupWindows();
  await windows.before(shard, plan, ledger);
  const seconds = (performance.now() - before.at) / 1000;
  const cpuSeconds = (processorMs() - before.cpuMs) / 1000;
  const mebibytes = (bytes: number) => bytes / 2 ** 20;
  const peak = mebibytes(process.resourceUsage().maxRSS * 1024 - before.rss);
  globalThis.gc?.();
  const held = mebibytes(process.memoryUsage().arrayBuffers - before.arrayBuffers);
  const { requests, mostAtOnce, readUnits } = made;
  return { seconds, cpuSeconds, requests, mostAtOnce, readUnits, held, peak };
}
