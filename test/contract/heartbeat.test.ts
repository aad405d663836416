// Heartbeats on a real stream: each open shard gets its own, also after shards were split, and their parents none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { kinesisHeartbeats } from '../../lambdas/canary/heartbeat-stream.aws.ts';
import { sendHeartbeats } from '../../lambdas/canary/send-heartbeats.ts';
import { CANARY_AMOUNT } from '../../lambdas/core/canary.ts';
import type { CountableEvent } from '../../lambdas/core/event.ts';
import { parseShardId, type ShardId } from '../../lambdas/core/identifiers.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const NOW_MS = Date.UTC(2026, 10, 22, 12, 7, 41);
const pause = () => assert.fail('the emulator takes everything');

/** The ids and amounts of the canary's metric that a shard holds. */
async function sharesOn(stream: string, shard: ShardId): Promise<CountableEvent[]> {
  const events: CountableEvent[] = [];
  for await (const records of new KinesisLog(services.kinesis, stream).readToEnd(shard, {})) {
    for (const event of records.flatMap((record) => record.events)) {
      assert.ok('entity' in event);
      if (event.metric === 'tally.canary') events.push(event);
    }
  }
  return events;
}

test(
  'each open shard gets its own share, before and after a split',
  services.where('records stay in the shard that took them'),
  async () => {
    const name = await services.stream(2);
    const stream = kinesisHeartbeats(services.kinesis, name);
    const before = await stream.openShards();
    assert.deepEqual(
      before.map(({ startingHashKey }) => startingHashKey),
      ['0', String(2n ** 127n)],
    );
    assert.equal(await sendHeartbeats(NOW_MS, { stream, pause }), 3);
    for (const [index, { shard }] of before.entries()) {
      const shares = await sharesOn(name, shard);
      assert.deepEqual(
        shares.map(({ id, n }) => [id, n]),
        [[`canary-2026-11-22T12:07:00Z-${index}`, CANARY_AMOUNT / 2]],
      );
    }

    const [, upper] = before;
    assert.ok(upper);
    await services.split(name, upper.shard, 3n * 2n ** 126n);
    const after = await stream.openShards();
    assert.deepEqual(
      after.map(({ shard }) => shard),
      ['shardId-000000000000', 'shardId-000000000002', 'shardId-000000000003'].map(parseShardId),
    );
    assert.equal(await sendHeartbeats(NOW_MS + 60_000, { stream, pause }), 4);
    const found = await Promise.all(after.map(({ shard }) => sharesOn(name, shard)));
    assert.deepEqual(
      found.map((shares) => shares.map(({ n }) => n)),
      [[CANARY_AMOUNT / 2, 333_334], [333_333], [333_333]],
    );
    assert.equal((await sharesOn(name, upper.shard)).length, 1);
  },
);

test('more records than fit into one request go in several', async () => {
  const name = await services.stream(1);
  const stream = kinesisHeartbeats(services.kinesis, name);
  const heartbeats = Array.from({ length: 1_100 }, (_, index) => ({
    id: `canary-${index}`,
    hashKey: '0',
    data: JSON.stringify({ id: `canary-${index}`, metric: 'tally.canary', entity: 'canary', n: 1 }),
  }));
  assert.deepEqual(await stream.put(heartbeats), []);
  assert.equal((await sharesOn(name, parseShardId('shardId-000000000000'))).length, 1_100);
});
