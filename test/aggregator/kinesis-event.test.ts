// A Kinesis event becomes batches of shards: parsed together or one by one, its records decode the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KinesisStreamEvent } from 'aws-lambda';
import fc from 'fast-check';
import { batchesOf } from '../../lambdas/aggregator/kinesis-event.aws.ts';
import { decodeRecord } from '../../lambdas/core/event.ts';

const ARRIVAL_MS = Date.UTC(2026, 10, 22, 5, 7, 30);

interface Sent {
  readonly shard: string;
  readonly data: Uint8Array;
}

function eventOf(sent: readonly Sent[]): KinesisStreamEvent {
  const Records = sent.map(({ shard, data }, index) => ({
    eventID: `${shard}:${1000 + index}`,
    kinesis: {
      sequenceNumber: String(1000 + index),
      approximateArrivalTimestamp: (ARRIVAL_MS + index) / 1000,
      data: Buffer.from(data).toString('base64'),
    },
  }));
  return { Records } as unknown as KinesisStreamEvent;
}

const good = (entity: string) => JSON.stringify({ id: entity, metric: 'view', entity });
const record = fc.record({
  shard: fc.constantFrom('shardId-000000000000', 'shardId-000000000000', 'shardId-000000000001'),
  data: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom('/a', '/é', '😀').map((entity) => Buffer.from(good(entity))) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(
          '',
          '{',
          '[]',
          `[1,"key",[${good('/a')},${good('/b')}]]`,
          '{"a":',
          '{"at":"x"}',
          good('[a]'),
          `${good('/a')},`,
        )
        .map((text) => Buffer.from(text)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
  ),
});

test('every record is in the batch of its shard, in order, and decodes as it does alone', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 400, size: 'max' }), (sent) => {
      const batches = batchesOf(eventOf(sent));
      const expected = Map.groupBy(
        sent.map(({ shard, data }, index) => ({
          shard,
          sequenceNumber: String(1000 + index),
          arrivalMs: ARRIVAL_MS + index,
          data: Buffer.from(data),
          ...decodeRecord(data, ARRIVAL_MS + index),
        })),
        ({ shard }) => shard,
      );
      assert.deepEqual([...batches.keys()], [...expected.keys()]);
      for (const [shard, records] of batches) {
        assert.deepEqual(
          records.map((each) => ({
            shard,
            sequenceNumber: each.sequenceNumber,
            arrivalMs: each.arrivalMs,
            data: each.data,
            batch: each.batch,
            events: each.events,
          })),
          (expected as ReadonlyMap<string, unknown>).get(shard),
        );
      }
    }),
    { numRuns: 60 },
  );
});

test('a shard name that Kinesis would not use is refused', () => {
  assert.throws(() => batchesOf(eventOf([{ shard: 'shard-1', data: Buffer.from(good('/a')) }])));
});

test('an event that fails half-way leaves nothing behind for the next one', () => {
  const [first, second] = ['/first', '/second'].map((entity) =>
    eventOf([{ shard: 'shardId-000000000000', data: Buffer.from(good(entity)) }]),
  );
  assert.ok(first !== undefined && second !== undefined);
  const broken = { Records: [...first.Records, { eventID: 'shardId-000000000000:1', kinesis: {} }] };
  assert.throws(() => batchesOf(broken as unknown as KinesisStreamEvent), TypeError);
  const [records = []] = batchesOf(second).values();
  assert.deepEqual(
    records.flatMap(({ events }) => events.map((event) => 'entity' in event && event.entity)),
    ['/second'],
  );
});
