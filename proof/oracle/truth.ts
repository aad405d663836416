// The truth about a history's events, from what was sent; it never asks the pipeline.
import type { Occurrence } from '../simulation/plan/workload.ts';

/** An event's occurrence in a record of the stream. */
export interface Arrived {
  readonly occurrence: Occurrence;
  readonly arrivalMs: number;
  /** Its arrival as the watermark counts it: the running maximum of its shard and those before it. */
  readonly reachedMs: number;
  /** The shard and the record's place among all records: shards read them in this order. */
  readonly shard: string;
  readonly sequenceNumber: string;
}

/** The bounds of one minute of one counter: what is certain, and what may be added. */
export interface Expected {
  n: number;
  events: number;
  maybeEvents: number;
  maybeUp: number;
  maybeDown: number;
}

/** Whether an occurrence counts: certainly, perhaps, or not at all. */
export type Kind = 'certain' | 'maybe' | 'none';

/** The result that the pipeline must reach. */
export interface Expectation {
  /** By counter (`counterName`), then by the minute's start in epoch milliseconds. */
  readonly counters: Map<string, Map<number, Expected>>;
  received: number;
  /** Occurrences that must be dropped, and those that may be dropped or counted. */
  duplicates: number;
  maybeDuplicates: number;
  readonly rejected: Map<string, number>;
  /** Occurrences that may be rejected as too old. */
  maybeOld: number;
}

/** A counter's name within the oracle. */
export function counterName(metric: string, entity: string): string {
  return `${metric}\n${entity}`;
}

/** Nothing expected yet. */
function nothingExpected(): Expectation {
  return {
    counters: new Map(),
    received: 0,
    duplicates: 0,
    maybeDuplicates: 0,
    rejected: new Map(),
    maybeOld: 0,
  };
}

/**
 * Adds up the expected result of occurrences, one after the other, in the order of the stream.
 * An id seen again within the window of its last occurrence is a duplicate; seen again later, it may count or not,
 * since segments reach further back than the window does.
 */
export class Expecting {
  readonly expectation: Expectation = nothingExpected();
  readonly #windowMs: number;
  /** By id: the latest arrival, and whether an earlier occurrence is certain to have been counted. */
  readonly #seen = new Map<string, { latestMs: number; certain: boolean }>();

  /** @param windowMs the least dedup window that was in force */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /**
   * @param readable false for an occurrence whose record may have been trimmed before it was counted
   * @param deleted whether its rows were deleted with its entity since
   * @returns whether it counts
   */
  add({ occurrence, arrivalMs }: Arrived, readable = true, deleted: 'no' | 'maybe' | 'yes' = 'no'): Kind {
    const { expectation } = this;
    const { id, rejected, mayBeOld = false } = occurrence;
    const isSure = readable && !mayBeOld;
    expectation.received += 1;
    if (mayBeOld) expectation.maybeOld += 1;
    if (rejected !== undefined) {
      expectation.rejected.set(rejected, (expectation.rejected.get(rejected) ?? 0) + 1);
      return 'none';
    }
    const before = id === undefined ? undefined : this.#seen.get(id);
    // What was trimmed before it was read, or rejected, is in no window.
    if (id !== undefined && (isSure || before === undefined)) {
      const latestMs = isSure ? Math.max(arrivalMs, before?.latestMs ?? 0) : 0;
      this.#seen.set(id, { latestMs, certain: before?.certain ?? isSure });
    }
    const expect = (kind: Kind): Kind => {
      if (deleted !== 'yes') this.#expect(occurrence, arrivalMs, kind === 'certain' && deleted === 'no');
      return kind;
    };
    if (before === undefined) return expect(isSure ? 'certain' : 'maybe');
    if (before.certain && arrivalMs - before.latestMs <= this.#windowMs) {
      if (mayBeOld) expectation.maybeDuplicates += 1;
      else expectation.duplicates += 1;
      return 'none';
    }
    expectation.maybeDuplicates += 1;
    return expect('maybe');
  }

  #expect({ metric, entity, atMs, n }: Occurrence, arrivalMs: number, certain: boolean): void {
    const name = counterName(metric, entity);
    const minuteMs = Math.floor((atMs ?? arrivalMs) / 60_000) * 60_000;
    let minutes = this.expectation.counters.get(name);
    if (minutes === undefined) {
      minutes = new Map();
      this.expectation.counters.set(name, minutes);
    }
    let expected = minutes.get(minuteMs);
    if (expected === undefined) {
      expected = { n: 0, events: 0, maybeEvents: 0, maybeUp: 0, maybeDown: 0 };
      minutes.set(minuteMs, expected);
    }
    if (certain) {
      expected.n += n;
      expected.events += 1;
      return;
    }
    expected.maybeEvents += 1;
    if (n > 0) expected.maybeUp += n;
    else expected.maybeDown += n;
  }
}
