// The canary: a minute's events add up for any shards, and a verdict is right for late, lost and doubled events.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  CANARY_AMOUNT,
  CANARY_ENTITY,
  CANARY_EXPECTED_METRIC,
  CANARY_METRIC,
  CHECKED_MS,
  judgeCanary,
  minuteHeartbeats,
  minuteStartMs,
  type OpenShard,
} from '../../lambdas/core/canary.ts';
import { type CountableEvent, decodeRecord } from '../../lambdas/core/event.ts';
import { parseShardId } from '../../lambdas/core/identifiers.ts';
import { MINUTE_MS } from '../../lambdas/core/time.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12, 7, 41);
const NOW_MINUTE_MS = minuteStartMs(NOW_MS);

function shard(number: number): OpenShard {
  return {
    shard: parseShardId(`shardId-${String(number).padStart(12, '0')}`),
    startingHashKey: String(BigInt(number) << 64n),
  };
}

function shardsOf(numbers: readonly number[]): [OpenShard, ...OpenShard[]] {
  const [first, ...others] = numbers.map(shard);
  assert.ok(first);
  return [first, ...others];
}

function eventOf(data: string): CountableEvent {
  const [event] = decodeRecord(Buffer.from(data), 0).events;
  assert.ok(event && 'entity' in event, data);
  return event;
}

const numbers = fc.uniqueArray(fc.nat(30_000), { minLength: 1, maxLength: 200, size: 'max' });

describe("a minute's records", () => {
  test('are countable events of the minute, one for each shard and on it, and make up the amount', () => {
    fc.assert(
      fc.property(numbers, (shardNumbers) => {
        const shards = shardsOf(shardNumbers);
        const { shares, expectation } = minuteHeartbeats(NOW_MINUTE_MS, shards);
        const events = shares.map(({ data }) => eventOf(data));
        assert.deepEqual(
          shares.map(({ hashKey }) => hashKey),
          shards.map(({ startingHashKey }) => startingHashKey),
        );
        assert.equal(
          events.reduce((sum, { n }) => sum + n, 0),
          CANARY_AMOUNT,
        );
        // A loss on any shard must show.
        assert.ok(events.every(({ n }) => n > 0));
        for (const event of events) {
          assert.deepEqual(
            [event.metric, event.entity, event.atMs],
            [CANARY_METRIC, CANARY_ENTITY, NOW_MINUTE_MS],
          );
        }
        const expected = eventOf(expectation.data);
        assert.deepEqual([expected.metric, expected.n], [CANARY_EXPECTED_METRIC, CANARY_AMOUNT]);
        assert.equal(expectation.hashKey, shards[0].startingHashKey);
        const ids = [...shares, expectation].map(({ id }) => id);
        assert.equal(new Set(ids).size, shards.length + 1);
        assert.deepEqual(
          ids,
          [...events, expected].map(({ id }) => id),
        );
      }),
    );
  });

  test('are the same in a second run, and have ids of their own in another minute', () => {
    const shards = shardsOf([0, 7]);
    const heartbeats = minuteHeartbeats(NOW_MINUTE_MS, shards);
    assert.deepEqual(minuteHeartbeats(NOW_MINUTE_MS, shards), heartbeats);
    assert.deepEqual(
      [...heartbeats.shares, heartbeats.expectation].map(({ id }) => id),
      [
        'canary-2026-11-22T12:07:00Z-0',
        'canary-2026-11-22T12:07:00Z-7',
        'canary-expected-2026-11-22T12:07:00Z',
      ],
    );
    const next = minuteHeartbeats(NOW_MINUTE_MS + MINUTE_MS, shards);
    assert.ok([...next.shares, next.expectation].every(({ id }) => !JSON.stringify(heartbeats).includes(id)));
  });
});

/** Amounts of minutes: `ago[k]` is k minutes before now, as [counted, expected]. */
type Minutes = Readonly<Record<number, readonly [number, number]>>;

const WHOLE = [CANARY_AMOUNT, CANARY_AMOUNT] as const;

/** Minutes `to..from` ago, all whole. */
function whole(from: number, to: number): Minutes {
  return Object.fromEntries(Array.from({ length: from - to + 1 }, (_, index) => [to + index, WHOLE]));
}

/** @param throughAgo how many minutes ago `completeThrough` is; undefined: nothing is published */
function judge(ago: Minutes, throughAgo: number | undefined = 1) {
  const completeThroughMs = throughAgo === undefined ? 0 : NOW_MS - throughAgo * MINUTE_MS;
  const counts = (which: 0 | 1) => ({
    minutes: new Map(
      Object.entries(ago).map(([k, amounts]) => [NOW_MINUTE_MS - Number(k) * MINUTE_MS, amounts[which]]),
    ),
    completeThroughMs,
  });
  const { difference, differing, lateMinutes } = judgeCanary(counts(0), counts(1), NOW_MS);
  return { difference, lateMinutes, differing: differing.map((at) => (NOW_MINUTE_MS - at) / MINUTE_MS) };
}

const FINE = { difference: 0, lateMinutes: 0, differing: [] };

describe('a verdict', () => {
  test('finds nothing if every minute is complete, the current one counted or not', () => {
    assert.deepEqual(judge(whole(360, 0)), FINE);
    assert.deepEqual(judge(whole(360, 1)), FINE);
    assert.deepEqual(judge({ ...whole(360, 1), 0: [300_000, 0] }), FINE);
    // Complete minutes are complete for any watermark.
    assert.deepEqual(judge(whole(360, 1), undefined), FINE);
  });

  test('is late as long as nothing is counted, and fine from the first counted minute on', () => {
    assert.deepEqual(judge({}, undefined), { ...FINE, lateMinutes: CHECKED_MS / MINUTE_MS });
    assert.deepEqual(judge({}, 1), { ...FINE, lateMinutes: CHECKED_MS / MINUTE_MS });
    assert.deepEqual(judge(whole(1, 1), undefined), FINE);
  });

  test('an incomplete minute is late until its arrivals are complete, then it differs', () => {
    const missing = { ...whole(60, 1), 20: [500_000, CANARY_AMOUNT] } as const;
    assert.deepEqual(judge(missing, 18), { ...FINE, lateMinutes: 20 });
    assert.deepEqual(judge(missing, 16), { difference: 500_000, lateMinutes: 0, differing: [20] });
    const lost = { ...whole(60, 1), 20: [0, CANARY_AMOUNT] } as const;
    assert.deepEqual(judge(lost, 1), { difference: CANARY_AMOUNT, lateMinutes: 0, differing: [20] });
  });

  test('with everything held back, the lateness is that of the oldest minute', () => {
    assert.deepEqual(judge(whole(60, 12), 11), { ...FINE, lateMinutes: 11 });
    assert.deepEqual(judge({ ...whole(60, 12), ...{ 3: WHOLE } }, 11), { ...FINE, lateMinutes: 11 });
  });

  test('too much is wrong at once, also when both metrics were counted twice', () => {
    const doubled = { ...whole(60, 1), 1: [2 * CANARY_AMOUNT, 2 * CANARY_AMOUNT] } as const;
    assert.deepEqual(judge(doubled, 30).difference, 2 * CANARY_AMOUNT);
    assert.deepEqual(judge(doubled, 30).differing, [1]);
  });

  test('a minute that was not sent, or only in part, is not expected', () => {
    assert.deepEqual(judge({ ...whole(60, 1), 20: [0, 0] }), FINE);
    const { 20: _, ...without } = whole(60, 1);
    assert.deepEqual(judge(without), FINE);
    assert.deepEqual(judge({ ...whole(60, 1), 20: [400_000, 0] }), FINE);
    // All shares, but the expectation was not taken.
    assert.deepEqual(judge({ ...whole(60, 1), 20: [CANARY_AMOUNT, 0] }), FINE);
  });

  test('one run left out stays below the alarm, with a watermark that has last moved on before it', () => {
    const { 1: _, ...without } = whole(60, 1);
    assert.equal(judge(without, 3).lateMinutes, 1);
    for (let minutesAgo = 1; minutesAgo < 60; minutesAgo += 1) {
      const { [minutesAgo]: __, ...left } = whole(60, 1);
      assert.ok(judge(left, 3).lateMinutes <= 5, `${minutesAgo}`);
    }
  });

  test('the older of two watermarks applies', () => {
    const minutes = new Map([[NOW_MINUTE_MS - 20 * MINUTE_MS, CANARY_AMOUNT]]);
    const early = { minutes: new Map<number, number>(), completeThroughMs: NOW_MS - 30 * MINUTE_MS };
    const late = { minutes, completeThroughMs: NOW_MS };
    assert.equal(judgeCanary(early, late, NOW_MS).difference, 0);
    assert.equal(judgeCanary(early, late, NOW_MS).lateMinutes, 20);
  });

  test('of minutes that only ever grow towards the amount is never a difference before they are complete', () => {
    const part = fc.integer({ min: 0, max: CANARY_AMOUNT });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(part, part), { maxLength: 60, size: 'max' }),
        fc.nat(70),
        (amounts, throughAgo) => {
          const { difference, differing, lateMinutes } = judge({ ...amounts }, throughAgo);
          assert.ok(differing.every((ago) => ago >= throughAgo + 2));
          assert.equal(difference > 0, differing.length > 0);
          const nothing = amounts.every(([counted, expected]) => counted === 0 && expected === 0);
          assert.ok(lateMinutes <= (nothing ? CHECKED_MS / MINUTE_MS : throughAgo + 3));
        },
      ),
    );
  });
});
