// The writer's own code on a hot entity, with the settings that the plan gives: what its counter item takes of a partition.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minuteAttribute } from '../../lambdas/counting/counter-item.ts';
import { parseShardId, segmentId, shardKey } from '../../lambdas/counting/identifiers.ts';
import { DEFAULT_RETRY_POLICY } from '../../lambdas/counting/retry-policy.ts';
import { encodeParts, type RollupRow } from '../../lambdas/counting/rollup-message.ts';
import { bucketName, isBucketMinutes } from '../../lambdas/counting/time.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import { type WriterPorts, writeRollups } from '../../lambdas/writer/write.ts';
import { chooseSettings } from '../../plan/choose.ts';
import { QUEUE_POLLERS } from '../../plan/quotas.ts';
import { USUAL_WORKLOAD } from '../../plan/workload.ts';
import { CONFIG } from '../support/records.ts';

const HOT = '/the-page-that-everyone-opens';
const START_MS = Date.UTC(2026, 10, 22, 5);
const SEGMENT = 2_100_000;
/** A partition's burst capacity is minutes; half of one is strict. */
const WINDOW_SECONDS = 30;

const { model } = chooseSettings({
  ...USUAL_WORKLOAD,
  eventsPerSecond: 100_000,
  entities: 1_000_000,
  hotShare: 0.5,
});
const { bucketMinutes } = model.configuration;
assert.ok(isBucketMinutes(bucketMinutes));
const { segments, counters } = model.peak;

/** The hot counter item as DynamoDB would have it, and what each update took. */
function hotItem() {
  const applied = new Set<string>();
  const minutes = new Set<string>();
  const updates: { atSeconds: number; units: number }[] = [];
  let bytes = 2 + HOT.length + 2 + 'pageview#H#2026-11-22T05:00'.length + 'applied'.length + 2 * 6;
  let events = 0;
  let nowSeconds = 0;
  const ports: WriterPorts = {
    counters: {
      async apply(update) {
        if (update.key.pk !== HOT) return 'applied';
        if (update.segments.some((segment) => applied.has(segment))) return applied;
        for (const segment of update.segments) {
          applied.add(segment);
          bytes += segment.length + 1;
        }
        for (const minute of Object.keys(update.minutes)) {
          if (!minutes.has(minute)) bytes += minuteAttribute(Number(minute)).length + 4;
          minutes.add(minute);
        }
        events += update.events;
        updates.push({ atSeconds: nowSeconds, units: Math.ceil(bytes / 1024) });
        return 'applied';
      },
    },
    ledger: {
      acknowledge: async () => undefined,
      notePlace: async () => {},
      noteExpired: async () => 'noted',
    },
    expired: { keepExpired: async () => {} },
    failed: { delay: async () => {}, bury: async () => {} },
    retryPolicy: { current: async () => DEFAULT_RETRY_POLICY },
    clock: { nowMs: () => START_MS + nowSeconds * 1000 },
    random: () => 0.5,
  };
  return {
    ports,
    updates,
    at: (seconds: number) => {
      nowSeconds = seconds;
    },
    result: () => ({ segments: applied.size, bytes, events }),
  };
}

/** A bucket's rollup messages in the order of their sending: of each segment one has the hot row, others do not. */
function* messages(): Iterable<{ atSeconds: number; message: DeliveredMessage }> {
  const bucket = bucketName(START_MS, bucketMinutes as 60);
  const { streamShards } = model.configuration;
  const last = Math.floor(bucketMinutes * 60 * segments.perSecond);
  for (let index = 0; index < last; index += 1) {
    const atSeconds = index / segments.perSecond;
    const shard = shardKey('1', parseShardId(`shardId-${String(index % streamShards).padStart(12, '0')}`));
    const id = segmentId(shard, SEGMENT + Math.floor(index / streamShards));
    const minutes = { [Math.floor(atSeconds / 60)]: 3_464 };
    for (let part = 0; part < segments.messagesEach; part += 1) {
      const entity = part === 0 ? HOT : `/page/${index}/${part}`;
      const row: RollupRow = { bucket, metric: 'pageview', entity, events: 3_464, minutes };
      const [encoded] = encodeParts(id, [row], CONFIG);
      const body = (encoded?.message.body ?? '').replace('"part":0', `"part":${part}`);
      const messageId = `${id}/${part}`;
      yield {
        atSeconds,
        message: { messageId, receiptHandle: messageId, body, receiveCount: 1, history: undefined },
      };
    }
  }
}

/** Deals messages out to the pollers, and writes each batch as it is full. @returns the most units a second in any half minute */
async function busiest(messagesEach: number) {
  const item = hotItem();
  const gathered: DeliveredMessage[][] = Array.from({ length: QUEUE_POLLERS }, () => []);
  // A fixed sequence: the same dealing in every run.
  let state = 1;
  const settings = { counterRetentionMs: undefined, concurrency: 32 };
  const write = async (batch: DeliveredMessage[]) => {
    const { retry } = await writeRollups(batch.splice(0), item.ports, settings, () => true);
    assert.deepEqual(retry, []);
  };
  for (const { atSeconds, message } of messages()) {
    state = (state * 48_271) % 2_147_483_647;
    const batch = gathered[state % QUEUE_POLLERS] ?? [];
    batch.push(message);
    item.at(atSeconds);
    if (batch.length >= messagesEach) await write(batch);
  }
  for (const batch of gathered) await write(batch);
  let most = 0;
  for (const { atSeconds: from } of item.updates) {
    const inWindow = item.updates.filter(({ atSeconds: at }) => at >= from && at < from + WINDOW_SECONDS);
    most = Math.max(most, inWindow.reduce((sum, { units }) => sum + units, 0) / WINDOW_SECONDS);
  }
  return { ...item.result(), most, updates: item.updates.length };
}

test('with batches as the plan expects them, the item takes what the plan says of a partition, and all is counted', async () => {
  const { most, segments: applied, bytes, events } = await busiest(counters.messagesEach);
  const all = Math.floor(bucketMinutes * 60 * segments.perSecond);
  assert.equal(applied, all);
  assert.equal(events, all * 3_464);
  assert.ok(most < 1_000, `${most} write units a second`);
  const { hottest } = counters;
  assert.ok(
    bytes / hottest.bytes > 0.8 && bytes / hottest.bytes < 1.1,
    `${bytes} bytes, planned ${hottest.bytes}`,
  );
  const ratio = most / hottest.writeUnitsPerSecond;
  assert.ok(
    ratio > 0.4 && ratio < 1.5,
    `${most} write units a second, planned ${hottest.writeUnitsPerSecond}`,
  );
});

test('even with a message a batch it stays below what a partition takes', async () => {
  const { most, updates, segments: applied } = await busiest(1);
  assert.equal(updates, applied);
  assert.ok(most <= 1_000, `${most} write units a second`);
  assert.ok(most <= counters.hottest.uncoalescedWriteUnitsPerSecond);
});
