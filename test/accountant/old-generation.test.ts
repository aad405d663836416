// While a deployment begins a generation, the accountant and the compactor may run once more under the one before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import type { RollupMessage } from '../../lambdas/core/rollup-message.ts';
import type { StreamRecord } from '../../lambdas/core/segment.ts';
import { DAY_MS } from '../../lambdas/core/time.ts';
import { aggregatorPorts } from '../support/aggregator-ports.ts';
import { CONFIG, record } from '../support/records.ts';
import { StoreWorld, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const at = (second: number) => WORLD_START_MS + second * 1000;

/** Two shards, counted up to 5 s and 20 s by the second generation. */
async function start() {
  const world = await StoreWorld.make();
  const shards = [worldShard(0), worldShard(1)] as const;
  for (const shard of shards) world.shards.push({ shard, parents: [] });
  const sent: RollupMessage[] = [];
  const { ledger, clock, state: ranges } = world;
  let position = 1;
  const put = (second: number): StreamRecord => record(position++, { at: at(second), n: 1 }, at(second));
  async function run(generation: string, shard: 0 | 1, ...records: StreamRecord[]): Promise<void> {
    world.nowMs = Math.max(world.nowMs, ...records.map(({ arrivalMs }) => arrivalMs + 1));
    const settings = { generation, streamRetentionMs: 7 * DAY_MS, rollup: CONFIG };
    const ports = aggregatorPorts({ ledger, ranges, clock }, sent);
    await aggregate({ shard: shards[shard], records }, ports, settings, () => true);
  }
  const write = () => world.write(sent.splice(0));
  async function account(generation: string): Promise<number> {
    await advanceCheckpoints(ledger, () => true);
    return (await advanceWatermark(ledger, { shards: async () => world.shards }, generation, clock))
      .throughMs;
  }
  await run('1', 0, put(0));
  await run('1', 1, put(0));
  await write();
  await run('2', 0, put(5));
  await run('2', 1, put(5));
  await run('2', 1, put(20));
  await write();
  return { world, put, run, write, account };
}

test('an accountant of the generation before vouches for nothing that is unread', async () => {
  const { put, run, account } = await start();
  await run('2', 1, put(30));
  assert.ok((await account('2')) <= at(5));
  assert.ok((await account('1')) <= at(5), 'shard 0 is read up to 5 s');
});

test('a compactor of the generation before hides nothing', async () => {
  const { world, put, run, write, account } = await start();
  const unread = put(10);
  await run('2', 1, put(30));
  await compact(world.compactorPorts(), { ...world.settings, generation: '1' }, () => true);
  await run('2', 0, unread);
  await run('2', 0, put(40));
  await write();
  await account('2');
  const [answer] = await world.ask([['view', '/a', {}]]);
  assert.equal(answer?.total, 8n);
});
