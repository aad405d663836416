// The canary: what it sends in a minute, and what the counts of the last hours say about it.
import type { ShardId } from './identifiers.ts';
import { HOUR_MS, isoSeconds, MINUTE_MS } from './time.ts';

/** The metric of which every minute has the same, known amount, and the one that says that all of it was sent. */
export const CANARY_METRIC = 'tally.canary';
export const CANARY_EXPECTED_METRIC = 'tally.canary-expected';
/** The canary's own entity. */
export const CANARY_ENTITY = 'canary';

/**
 * What both metrics count in a minute, however many shards share it. A constant rather than the number of shards: if
 * everything were counted twice, the events and a number that travels with them would still agree.
 */
export const CANARY_AMOUNT = 1_000_000;

/** How far back the counts are looked at. */
export const CHECKED_MS = 6 * HOUR_MS;

/**
 * From a minute's start until its events have arrived, if they ever do: a run starts within its minute and ends within a
 * minute; one more for clocks that differ.
 */
const ARRIVED_MS = 3 * MINUTE_MS;

/** A shard that takes records, and the first of its hash keys, a decimal number. */
export interface OpenShard {
  readonly shard: ShardId;
  readonly startingHashKey: string;
}

/** One record for a chosen shard. */
export interface Heartbeat {
  /** The event's id, and the record's partition key. */
  readonly id: string;
  readonly hashKey: string;
  /** The event as JSON. */
  readonly data: string;
}

/** What is sent in a minute. */
export interface MinuteBeats {
  /** One for each shard: together they make up the amount. */
  readonly shares: readonly Heartbeat[];
  /** To be sent once every share was taken: a minute of which only a part could be sent is no difference. */
  readonly expectation: Heartbeat;
}

/** The start of the minute that an instant lies in, epoch milliseconds. */
export function minuteStartMs(atMs: number): number {
  return atMs - (atMs % MINUTE_MS);
}

/**
 * The records of a minute. Ids follow from the minute and the shard, so a second run in one minute repeats the first,
 * and the dedup window drops what it repeats.
 * @param minuteMs the minute's start, epoch milliseconds
 * @param shards at least one
 */
export function minuteBeats(minuteMs: number, shards: readonly [OpenShard, ...OpenShard[]]): MinuteBeats {
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

/** The counts of one metric of the canary. */
export interface MinuteCounts {
  /** By the minute's start, epoch milliseconds; a minute without events may be missing. */
  readonly minutes: ReadonlyMap<number, number>;
  /** Every arrival before this is in them, epoch milliseconds; 0: nothing is claimed. */
  readonly completeThroughMs: number;
}

/** What the counts say. */
export interface CanaryVerdict {
  /** By how much minutes differ from what they must be, in all: anything but 0 is a broken promise. */
  readonly difference: number;
  /** The minutes that differ, by their starts, epoch milliseconds. */
  readonly differing: readonly number[];
  /**
   * Age in minutes of the oldest minute that is neither whole nor known to stay as it is; 0 when there is none. All of
   * `CHECKED_MS` as long as nothing of the canary is counted at all.
   */
  readonly lateMinutes: number;
}

/**
 * Judges the counts. A minute has to have the amount in both metrics; until `completeThrough` is past its arrival it may
 * be late, after that it differs. One whose expectation never came was not sent, or not whole (no run, no answer from the
 * stream), and owes nothing. More than the amount is wrong at once: nothing still to come makes it less.
 * @param nowMs when the counts were asked for, epoch milliseconds
 */
export function judgeCanary(counted: MinuteCounts, expected: MinuteCounts, nowMs: number): CanaryVerdict {
  const completeThroughMs = Math.min(counted.completeThroughMs, expected.completeThroughMs);
  const nowMinuteMs = minuteStartMs(nowMs);
  const seen = [...counted.minutes, ...expected.minutes].filter(([, n]) => n !== 0).map(([minute]) => minute);
  // Before the first minute that is seen there was no canary yet.
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

/** How wrong a minute is for certain. */
function offBy([counted, expected]: readonly [number, number], complete: boolean): number {
  const sent = complete && expected !== 0;
  return [counted, expected]
    .map((n) => (sent ? Math.abs(n - CANARY_AMOUNT) : Math.max(0, n - CANARY_AMOUNT)))
    .reduce((a, b) => a + b);
}
