// Compaction: every event is in the blocks of every level once, in any order of writing and compacting.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { periodAt } from '../../lambdas/core/level.ts';
import type { RollupMessage } from '../../lambdas/core/rollup-message.ts';
import { decodeRows, rowBytes } from '../../lambdas/core/rows.ts';
import { crashing, inTurns } from '../support/disturbed.ts';
import { runs } from '../support/long.ts';
import {
  ANY_EVENT,
  expectedSums,
  LEVELS,
  StoreWorld,
  type TestEvent,
  viewed,
  WORLD_START_MS,
  worldShard,
} from '../support/store-world.ts';

type Step =
  | { readonly do: 'commit'; readonly shard: number; readonly events: readonly TestEvent[] }
  | { readonly do: 'write'; readonly which: number }
  | { readonly do: 'copy'; readonly which: number }
  | { readonly do: 'compact' }
  | { readonly do: 'crash'; readonly calls: number; readonly late: boolean }
  | { readonly do: 'two at once'; readonly order: readonly boolean[] }
  | { readonly do: 'wait'; readonly minutes: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      shard: fc.nat({ max: 2 }),
      events: fc.array(ANY_EVENT, { minLength: 1, maxLength: 120, size: 'max' }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), which: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('copy' as const), which: fc.nat({ max: 50 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      calls: fc.nat({ max: 60 }),
      late: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('two at once' as const),
      order: fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 700 }) }),
  },
);

/** Plays steps, then writes and compacts the rest. @returns all events */
async function play(world: StoreWorld, steps: readonly Step[]): Promise<TestEvent[]> {
  const events: TestEvent[] = [];
  const waiting: RollupMessage[] = [];
  const written: RollupMessage[] = [];
  for (const one of steps) {
    world.nowMs += 1000;
    if (one.do === 'commit') {
      waiting.push(...(await world.commit(worldShard(one.shard), one.events)));
      events.push(...one.events);
    } else if (one.do === 'write') {
      const [message] = waiting.splice(one.which % Math.max(1, waiting.length), 1);
      if (message === undefined) continue;
      await world.write([message]);
      written.push(message);
    } else if (one.do === 'copy') {
      const message = written[one.which % Math.max(1, written.length)];
      if (message !== undefined) await world.write([message, message]);
    } else if (one.do === 'compact') await world.compact();
    else if (one.do === 'crash')
      await assert.rejects(world.compact(crashing(one.calls, one.late))).catch(() => {});
    else if (one.do === 'two at once') {
      const turns = inTurns(one.order);
      await Promise.all([world.compact(turns(true)), world.compact(turns(false))]);
    } else world.nowMs += one.minutes * 60_000;
  }
  await world.write(waiting);
  await world.compactDays(3);
  return events;
}

describe('compaction', () => {
  it('merges every event into the blocks of every level once, in any order of writing and compacting', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
        const world = await StoreWorld.make();
        const events = await play(world, steps);
        for (const level of LEVELS) {
          const { sums, periods } = expectedSums(level, events);
          assert.deepEqual(await world.blockSums(level, periods), sums);
        }
      }),
      { numRuns: runs(40) },
    );
  });

  it('leaves no block of several rows larger than its limit', async () => {
    const world = await StoreWorld.make({ blockBytes: 500 });
    for (const first of [0, 300]) {
      await world.count(Array.from({ length: 300 }, (_, number) => viewed(`/${first + number}`, 1)));
      await world.compact();
    }
    for (const level of LEVELS) {
      let blocks = 0;
      for await (const { rows } of world.store.blocksOf(periodAt(level, WORLD_START_MS))) {
        const decoded = decodeRows(rows);
        const bytes = decoded.reduce((sum, row) => sum + rowBytes(row), 0);
        assert.ok(bytes <= 500 || decoded.length === 1, `${bytes} bytes`);
        blocks += 1;
      }
      assert.ok(blocks > 10, `${blocks} blocks of the ${level}`);
    }
  });
});
