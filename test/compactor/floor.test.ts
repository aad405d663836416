// What the hours cover has a lower bound, the floor; answers are complete up to it at most. It must not step back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import type { ShardId } from '../../lambdas/core/identifiers.ts';
import type { RollupMessage } from '../../lambdas/core/rollup-message.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { readTop } from '../../lambdas/query/read-top.ts';
import { parseTopQuery } from '../../lambdas/query/top-query.ts';
import { aggregatorPorts } from '../support/aggregator-ports.ts';
import { CONFIG, record } from '../support/records.ts';
import { StoreWorld, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const DELTAS_MS = 60 * DAY_MS;

async function start() {
  const world = await StoreWorld.make({ cadence: { hoursMs: 300_000 } }, DELTAS_MS);
  const sent: RollupMessage[] = [];
  const { ledger, clock, state: ranges } = world;
  const rollup = { ...CONFIG, acceptPastMs: DAY_MS };
  let position = 1;
  const parentsOf = async (shard: ShardId) => world.shards.find((one) => one.shard === shard)?.parents ?? [];
  async function put(shard: ShardId, generation = '1'): Promise<void> {
    const made = aggregatorPorts({ ledger, ranges, clock }, sent);
    const ports = { ...made, log: { ...made.log, parentsOf } };
    const records = [record(position++, { at: world.nowMs }, world.nowMs)];
    world.nowMs += 1;
    const settings = { generation, streamRetentionMs: 365 * DAY_MS, rollup };
    await aggregate({ shard, records }, ports, settings, () => true);
    await world.write(sent.splice(0));
  }
  async function account(generation = '1'): Promise<void> {
    await advanceCheckpoints(ledger, () => true);
    await advanceWatermark(ledger, { shards: async () => world.shards }, generation, clock);
  }
  const run = (generation = '1') =>
    compact(world.compactorPorts(), { ...world.settings, generation }, () => true);
  /** The state of the first hour, of its top and of the top of its day, and how far they are complete. */
  async function answers() {
    const range = { from: '2026-11-23T08:00Z', to: '2026-11-23T09:00Z', by: 'hour' };
    const [answer] = await world.ask([['view', '/a', range]], { deltaRetentionMs: DELTAS_MS });
    const tops = [];
    for (const by of ['hour', 'day', 'month', 'total']) {
      const query = parseTopQuery(
        'view',
        by === 'total' ? { by } : { by, at: '2026-11-23T08:00Z' },
        world.nowMs,
      );
      tops.push((await readTop(query, world.queryPorts(), { retentions: world.settings.retentions })).answer);
    }
    return [
      answer?.points[0]?.state,
      answer?.completeThrough,
      ...tops.flatMap((top) => [top.state, top.completeThrough]),
    ];
  }
  return { world, put, account, run, answers };
}

type Started = Awaited<ReturnType<typeof start>>;

/** Counts on a shard for seventy days. */
async function fill({ world, put, account, run }: Started, shard: ShardId): Promise<void> {
  for (; world.nowMs < WORLD_START_MS + 70 * DAY_MS; world.nowMs += 12 * HOUR_MS) {
    await put(shard);
    await account();
    await run();
  }
}

function assertNoStepBack(before: unknown[], after: unknown[]): void {
  for (const [index, was] of before.entries()) {
    const is = after[index];
    if (was === 'final') assert.equal(is, 'final', `${index}: ${JSON.stringify({ before, after })}`);
    else if (was !== 'provisional' && was !== null)
      assert.ok(
        typeof is === 'string' && is >= String(was),
        `${index}: ${JSON.stringify({ before, after })}`,
      );
  }
}

test('a shard that was split and merged again before it had an event takes nothing back', async () => {
  const started = await start();
  const { world, put, account, run, answers } = started;
  const [one, idle, left, right, merged] = [0, 1, 2, 3, 4].map(worldShard) as [
    ShardId,
    ShardId,
    ShardId,
    ShardId,
    ShardId,
  ];
  world.shards.push({ shard: one, parents: [] });
  await fill(started, one);
  const before = await answers();
  // A reshard, twice more at once: nothing has reached the shards in between.
  world.shards.push(
    { shard: idle, parents: [one] },
    { shard: left, parents: [idle] },
    { shard: right, parents: [idle] },
    { shard: merged, parents: [left, right] },
  );
  await put(one);
  world.nowMs += 301_000;
  await account();
  await run();
  assertNoStepBack(before, await answers());
  for (let minute = 0; minute < 30; minute += 1) {
    world.nowMs += MINUTE_MS;
    await put(merged);
    await account();
    await run();
    assertNoStepBack(before, await answers());
  }
});

test('a compactor of the generation before, on a shard that is new in this one, takes nothing back', async () => {
  const started = await start();
  const { world, put, account, run, answers } = started;
  const [one, left, right] = [0, 1, 2].map(worldShard) as [ShardId, ShardId, ShardId];
  world.shards.push({ shard: one, parents: [] });
  await fill(started, one);
  world.shards.push({ shard: left, parents: [one] }, { shard: right, parents: [one] });
  const before = await answers();
  await put(left, '2');
  await put(right, '2');
  world.nowMs += 301_000;
  await account('2');
  await run('1');
  assertNoStepBack(before, await answers());
});

test('a shard without a known parent takes nothing back', async () => {
  const started = await start();
  const { world, put, account, run, answers } = started;
  world.shards.push({ shard: worldShard(0), parents: [] });
  await fill(started, worldShard(0));
  const before = await answers();
  world.shards.push({ shard: worldShard(7), parents: [] });
  await put(worldShard(0));
  world.nowMs += 301_000;
  await account();
  await run();
  assertNoStepBack(before, await answers());
});
