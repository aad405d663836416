// The canary: what it sends each minute, and what the counts of the last hours reveal.
import type { ShardId } from './identifiers.ts';
import { HOUR_MS, isoSeconds, MINUTE_MS } from './time.ts';

/** The metric that counts the same known amount every minute, and the one that records that all of it was sent. */
export const CANARY_METRIC = 'tally.canary';
export const CANARY_EXPECTED_METRIC = 'tally.canary-expected';
export const CANARY_ENTITY = 'canary';

/**
 * What both metrics count each minute, however many shards share it. A constant, not the number of shards: if everything
 * were counted twice, the events and a number that travels with them would still agree.
 */
export const CANARY_AMOUNT = 1_000_000;

/** How far back the counts are checked. */
export const CHECKED_MS = 6 * HOUR_MS;

/**
 * Time from a minute's start until its events have arrived: a run starts within its minute and ends within a minute; one
 * more minute covers clock skew.
 */
const ARRIVED_MS = 3 * MINUTE_MS;

/** A shard that accepts records, and its first hash key, a decimal number. */
export interface OpenShard {
  readonly shard: ShardId;
  readonly startingHashKey: string;
}

/** One record for one shard. */
export interface Heartbeat {
  /** The event's id, and the record's partition key. */
  readonly id: string;
  readonly hashKey: string;
  /** The event as JSON. */
  readonly data: string;
}

/** What is sent each minute. */
export interface MinuteHeartbeats {
  /** One for each shard; together they add up to the amount. */
  readonly shares: readonly Heartbeat[];
  /** Sent after every share was accepted, so that a partly sent minute is not reported as a difference. */
  readonly expectation: Heartbeat;
}

/** The start of the minute that contains an instant, epoch milliseconds. */
export function minuteStartMs(atMs: number): number {
  return atMs - (atMs % MINUTE_MS);
}

/**
 * The records of a minute. Ids are derived from minute and shard, so a second run in a minute repeats the first, and the
 * dedup window drops the repeats.
 * @param minuteMs the minute's start, epoch milliseconds
 * @param shards at least one
 */
export function minuteHeartbeats(
  minuteMs: number,
  shards: readonly [OpenShard, ...OpenShard[]],
): MinuteHeartbeats {
  const minute = isoSeconds(minuteMs);
  const heartbeat = (id: string, metric: string, n: number, hashKey: string): Heartbeat => {
    const data = JSON.stringify({ id, metric, entity: CANARY_ENTITY, at: minuteMs, n });
    return { id, hashKey, data };
  };
  const share = Math.floor(CANARY_AMOUNT / shards.length);
  const remainder = CANARY_AMOUNT % shards.length;
  return {
    shares: shards.map(({ shard, startingHashKey }, index) => {
      const id = `canary-${minute}-${Number(shard.slice('shardId-'.length))}`;
      return heartbeat(id, CANARY_METRIC, index < remainder ? share + 1 : share, startingHashKey);
    }),
    expectation: heartbeat(
      `canary-expected-${minute}`,
      CANARY_EXPECTED_METRIC,
      CANARY_AMOUNT,
      shards[0].startingHashKey,
    ),
  };
}

/** The counts of one canary metric. */
export interface MinuteCounts {
  /** By the minute's start, epoch milliseconds; a minute without events may be missing. */
  readonly minutes: ReadonlyMap<number, number>;
  /** Every arrival before this is counted, epoch milliseconds; 0: unknown. */
  readonly completeThroughMs: number;
}

/** The result of the check. */
export interface CanaryVerdict {
  /** Total by which minutes differ from the amount: anything but 0 is a broken promise. */
  readonly difference: number;
  /** The minutes that differ, by their starts, epoch milliseconds. */
  readonly differing: readonly number[];
  /**
   * Age in minutes of the oldest minute that is neither complete nor final; 0 when there is none, all of
   * `CHECKED_MS` while no canary event is counted at all.
   */
  readonly lateMinutes: number;
}

/**
 * Judges the counts. A minute must have the amount in both metrics. It may be late until `completeThrough` passes its
 * arrival; after that it differs. A minute without its expectation was not sent completely (no run, or no answer from
 * the stream), and nothing is due. More than the amount is wrong at once: later events cannot lower it.
 * @param nowMs when the counts were requested, epoch milliseconds
 */
export function judgeCanary(counted: MinuteCounts, expected: MinuteCounts, nowMs: number): CanaryVerdict {
  const completeThroughMs = Math.min(counted.completeThroughMs, expected.completeThroughMs);
  const nowMinuteMs = minuteStartMs(nowMs);
  const seen = [...counted.minutes, ...expected.minutes].filter(([, n]) => n !== 0).map(([minute]) => minute);
  // Before the first minute seen, no canary was running.
  const firstMs = seen.reduce((first, minute) => Math.min(first, minute), nowMinuteMs);
  let oldestOpenMs = seen.length === 0 ? nowMinuteMs - CHECKED_MS : undefined;
  let difference = 0;
  const differing: number[] = [];
  for (let minuteMs = firstMs; minuteMs <= nowMinuteMs; minuteMs += MINUTE_MS) {
    const amounts = [counted.minutes.get(minuteMs) ?? 0, expected.minutes.get(minuteMs) ?? 0] as const;
    const complete = minuteMs + ARRIVED_MS <= completeThroughMs;
    const off = offBy(amounts, complete);
    if (off > 0) {
      difference += off;
      differing.push(minuteMs);
    }
    if (!complete && amounts.some((n) => n !== CANARY_AMOUNT)) oldestOpenMs ??= minuteMs;
  }
  const lateMinutes = oldestOpenMs === undefined ? 0 : (nowMinuteMs - oldestOpenMs) / MINUTE_MS;
  return { difference, differing, lateMinutes };
}

/** How far a minute is certainly off. */
function offBy([counted, expected]: readonly [number, number], complete: boolean): number {
  const sent = complete && expected !== 0;
  return [counted, expected]
    .map((n) => (sent ? Math.abs(n - CANARY_AMOUNT) : Math.max(0, n - CANARY_AMOUNT)))
    .reduce((a, b) => a + b);
}
