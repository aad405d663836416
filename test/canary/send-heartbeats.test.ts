// Sending the canary's events: what the stream does not accept is put again, and the expectation comes last.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeartbeatsNotSent, sendHeartbeats } from '../../lambdas/canary/send-heartbeats.ts';
import type { Heartbeat, OpenShard } from '../../lambdas/core/canary.ts';
import { parseShardId } from '../../lambdas/core/identifiers.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12, 7, 41);
const SHARDS: readonly OpenShard[] = [
  { shard: parseShardId('shardId-000000000003'), startingHashKey: '0' },
  { shard: parseShardId('shardId-000000000004'), startingHashKey: '170141183460469231731687303715884105728' },
];

/** A stream that refuses some puts of a record, by id and attempt. */
function createStream(shards: readonly OpenShard[], refuses: (id: string, times: number) => boolean) {
  const puts: string[][] = [];
  const pauses: number[] = [];
  const times = new Map<string, number>();
  return {
    puts,
    pauses,
    ports: {
      stream: {
        openShards: async () => shards,
        put: async (heartbeats: readonly Heartbeat[]) => {
          puts.push(heartbeats.map(({ id }) => id));
          return heartbeats.filter(({ id }) => {
            times.set(id, (times.get(id) ?? 0) + 1);
            return refuses(id, times.get(id) ?? 0);
          });
        },
      },
      pause: async (ms: number) => {
        pauses.push(ms);
      },
    },
  };
}

const [SHARE_3, SHARE_4, EXPECTED] = [
  'canary-2026-11-22T12:07:00Z-3',
  'canary-2026-11-22T12:07:00Z-4',
  'canary-expected-2026-11-22T12:07:00Z',
];

test('every open shard gets its share, and then the expectation follows', async () => {
  const { puts, pauses, ports } = createStream(SHARDS, () => false);
  assert.equal(await sendHeartbeats(NOW_MS, ports), 3);
  assert.deepEqual(puts, [[SHARE_3, SHARE_4], [EXPECTED]]);
  assert.deepEqual(pauses, []);
});

test('only records that were not accepted are put again, after growing pauses', async () => {
  const { puts, pauses, ports } = createStream(SHARDS, (id, times) => id === SHARE_4 && times < 4);
  assert.equal(await sendHeartbeats(NOW_MS, ports), 3);
  assert.deepEqual(puts, [[SHARE_3, SHARE_4], [SHARE_4], [SHARE_4], [SHARE_4], [EXPECTED]]);
  assert.deepEqual(pauses, [250, 500, 1000]);
});

test('without every share there is no expectation, and the error names what is missing', async () => {
  const { puts, pauses, ports } = createStream(SHARDS, (id) => id === SHARE_3);
  await assert.rejects(sendHeartbeats(NOW_MS, ports), {
    name: HeartbeatsNotSent.name,
    message: `the stream did not accept ${SHARE_3}`,
  });
  assert.equal(puts.length, 6);
  assert.ok(!puts.flat().includes(EXPECTED));
  assert.ok(pauses.reduce((sum, ms) => sum + ms, 0) < 20_000);
});

test('a stream without an open shard is an error', async () => {
  await assert.rejects(sendHeartbeats(NOW_MS, createStream([], () => false).ports), HeartbeatsNotSent);
});
