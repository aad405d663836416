// `tally bench readable`: how long after its 202 an event is in the answers of each grain, on the local stack.
import { setTimeout as delay } from 'node:timers/promises';
import { type Grain, TallyClient } from '../client/src/index.ts';
import { configurationOf, LOCAL_STAGE } from '../lib/configuration.ts';
import { startDemo } from '../local/demo.ts';
import { startLocalStack } from '../local/stack.ts';
import { quantile, table } from './end-to-end/figures.ts';

const { probes, everyMs }: { probes: number; everyMs: number } = JSON.parse(process.argv[2] ?? '{}');
const METRIC = 'readable';
const GRAINS = ['minute', 'hour', 'day', 'month', 'total'] as const satisfies readonly Grain[];
const POLL_MS = 50;
/** Added to the aggregator's window, this is the aim for 99 of 100 events. */
const ALLOWANCE_MS = 2_000;

const stack = await startLocalStack();
const demo = startDemo(stack.url, () => {}, { history: false });
const client = new TallyClient({ url: stack.url });
try {
  const sent: Promise<readonly number[]>[] = [];
  for (let index = 0; index < probes; index += 1) {
    sent.push(probe(`/probe/${index}`));
    await delay(everyMs);
  }
  const taken = await Promise.all(sent);
  const windowMs = configurationOf(LOCAL_STAGE).aggregatorWindowSeconds * 1_000;
  const rows = GRAINS.map((grain, index) => {
    const ms = taken.map((each) => each[index] ?? Number.NaN);
    const p99 = quantile(ms, 0.99);
    const reached = p99 <= windowMs + ALLOWANCE_MS ? 'yes' : 'no';
    return [grain, ...[quantile(ms, 0.5), p99, Math.max(...ms)].map((each) => each.toFixed(0)), reached];
  });
  console.log(`${taken.length} events, each the first of its entity, beside the demo; an aggregator window of ${windowMs} ms.
Milliseconds from an event's 202 until a question of the grain counts it, polled every ${POLL_MS} ms.

${table(['by', 'p50', 'p99', 'most', `p99 within the window + ${ALLOWANCE_MS} ms`], rows)}`);
} finally {
  await client.close();
  await demo.stop();
  await stack.stop();
}

/** Sends one event, and asks for its entity at every grain until each answer counts it. Milliseconds, by grain. */
async function probe(entity: string): Promise<readonly number[]> {
  await client.sendBatch(entity, [{ metric: METRIC, entity }]);
  const sentMs = performance.now();
  return Promise.all(
    GRAINS.map(async (by) => {
      while ((await client.counts(METRIC, entity, { by })).total === 0) await delay(POLL_MS);
      return performance.now() - sentMs;
    }),
  );
}
