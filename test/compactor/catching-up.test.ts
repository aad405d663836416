// After compaction stood still, every level catches up, in runs that each have little time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../fake-aws/call.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import { StoreWorld, viewed, worldShard } from '../support/store-world.ts';

test('upper levels catch up after a standstill, though a run has no time for all that was missed', async () => {
  // Forty events are a small epoch here, as eight million are with 16 slots and the deployed 500,000.
  const settings = { slotBits: 1, rangeEventsMax: 20, cadence: { hoursMs: 0 } };
  const world = await StoreWorld.make(settings);
  const SEGMENTS = 150;
  for (let segment = 0; segment < SEGMENTS; segment += 1) {
    const events = Array.from({ length: 10 }, (_, index) => viewed(`/${index}`, 1, world.nowMs));
    await world.write(await world.commit(worldShard(0), events));
    world.nowMs += 5_000;
  }
  // Each delta takes a page, as some thousand do of a megabyte.
  (world.aws.dynamoDb.limits as { pageBytes: number }).pageBytes = 1;
  let calls = 0;
  const counted: Transport = async (_call, perform) => {
    calls += 1;
    return perform();
  };
  /** Calls until a run's time is used up. An epoch of forty events takes fifty or so. */
  const RUN_CALLS = 200;
  const history: string[] = [];
  for (let run = 0; run < 100; run += 1) {
    world.nowMs += 60_000;
    calls = 0;
    await compact(world.compactorPorts(counted), world.settings, () => calls < RUN_CALLS);
    const { hours, days, months, all } = await world.state.readState();
    history.push([hours, days, months, all].map(({ epoch }) => epoch).join('/'));
    // The rest is taken when the levels are due by the hour or by the day.
    const hasCaughtUp = [days, months, all].every(({ events }) => events >= SEGMENTS * 10 - 240);
    if (hours.events === SEGMENTS * 10 && hasCaughtUp) return;
  }
  assert.fail(`the levels' epochs after each run: ${history.join(' ')}`);
});
