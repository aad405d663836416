// A part whose message a queue dropped, and whose records the stream has trimmed: only an operator can end the wait.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentId, shardKey } from '../../lambdas/core/identifiers.ts';
import { lostEntry } from '../../lambdas/core/segment-entry.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { discardDropped } from '../../lambdas/redriver/operate.ts';
import { recountWorld } from '../support/recounted-world.ts';
import { StoreWorld, viewed, worldShard } from '../support/store-world.ts';

const RETENTIONS = { hours: undefined, days: undefined, months: undefined, all: undefined };
const DISCARDING = { by: 'me', at: '2026-12-01T00:00Z', why: 'the queue was purged' };

test('completeThrough and compaction go on once it is discarded, and a late message counts nothing', () =>
  discarded(false));

test('the same if its segment is lost, and the message was on its way back', () => discarded(true));

async function discarded(isLost: boolean): Promise<void> {
  const world = await StoreWorld.make();
  const { ledger, store, clock, nowMs: droppedMs } = world;
  const dropped = await world.commit(worldShard(0), [viewed('/a', 1)]);
  const shard = shardKey('1', worldShard(0));
  const segment = segmentId(shard, 1);
  await ledger.notePlace(segment, [0], 'dead');
  if (isLost) {
    await ledger.markLost(shard, lostEntry((await ledger.readHead(shard)) ?? assert.fail()));
    await ledger.notePlace(segment, [0], 'returned');
  }
  world.records.delete(segment);
  const archived: string[] = [];
  const none = async () => assert.fail('no message is there');
  const ports = {
    ledger,
    deltas: store,
    clock,
    deadLetters: { giveBack: none, park: none, remove: none },
    parked: { keepDiscarded: async ({ name }: { name: string }) => void archived.push(name), remove: none },
  };
  const discard = (part: number) => discardDropped(`${segment}/${part}`, DISCARDING, ports);
  const throughMs = async () => {
    world.nowMs += HOUR_MS;
    await world.count([viewed('/b', 1)]);
    await world.account({ retentions: RETENTIONS, acceptFutureMs: 0 });
    await world.compact();
    return (await ledger.readWatermark()).throughMs;
  };
  assert.equal(await discard(0), undefined, 'its message may be on its way');
  world.nowMs += 8 * DAY_MS;
  assert.equal((await recountWorld(world, { repair: true })).unknown[0]?.reason, isLost ? 'lost' : 'trimmed');
  assert.ok((await throughMs()) <= droppedMs);
  assert.equal(await discard(1), undefined, 'there is no such part');
  assert.equal(await discard(0), 'discarded');
  assert.equal(await discard(0), undefined, 'it is settled');
  assert.deepEqual(archived, [`${segment}/0`]);
  await world.write(dropped);
  assert.ok((await throughMs()) > droppedMs + DAY_MS);
  assert.deepEqual((await world.state.readState()).hours.covers.open, []);
  const [answer] = await world.ask([['view', '/a', {}]]);
  assert.equal(answer?.total, 0n);
}
