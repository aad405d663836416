// The truth about a history's events, from what was sent; it never asks the pipeline.
import type { Occurrence } from '../simulation/plan/workload.ts';
import { valueIn } from '../simulation/value-in.ts';

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

/** The bounds of a count. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** The bounds of one minute of one counter, and whether all of its events are certain. */
interface Minute {
  least: number;
  most: number;
  isExact: boolean;
}

/** Whether an occurrence counts: certainly, perhaps, or not at all. */
export type Kind = 'certain' | 'maybe' | 'none';

/** A counter's name within the oracle. */
export function counterName(metric: string, entity: string): string {
  return `${metric}\n${entity}`;
}

/** A counter's name in a message. */
export function label(name: string): string {
  return name.replace('\n', ' of ');
}

/** The start of an instant's minute, epoch milliseconds. */
export function minuteOf(atMs: number): number {
  return atMs - (atMs % 60_000);
}

/**
 * The result that the pipeline must reach, added up from occurrences in the order of the stream.
 * An id seen again within the window of its last occurrence is a duplicate; seen again later, it may count or not,
 * since segments reach further back than the window does.
 */
export class Expectation {
  /** By counter (`counterName`), then by the minute's start in epoch milliseconds. */
  readonly counters = new Map<string, Map<number, Minute>>();
  received = 0;
  /** Occurrences that must be dropped, and those that may be dropped or counted. */
  duplicates = 0;
  maybeDuplicates = 0;
  readonly rejected = new Map<string, number>();
  /** Occurrences that may be rejected as too old. */
  maybeOld = 0;
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
    const { id, rejected, mayBeOld = false } = occurrence;
    const isSure = readable && !mayBeOld;
    this.received += 1;
    if (mayBeOld) this.maybeOld += 1;
    if (rejected !== undefined) {
      this.rejected.set(rejected, (this.rejected.get(rejected) ?? 0) + 1);
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
      if (mayBeOld) this.maybeDuplicates += 1;
      else this.duplicates += 1;
      return 'none';
    }
    this.maybeDuplicates += 1;
    return expect('maybe');
  }

  #expect({ metric, entity, atMs, n }: Occurrence, arrivalMs: number, certain: boolean): void {
    const minutes = valueIn(this.counters, counterName(metric, entity), () => new Map<number, Minute>());
    const minute = valueIn(minutes, minuteOf(atMs ?? arrivalMs), () => ({
      least: 0,
      most: 0,
      isExact: true,
    }));
    if (certain || n > 0) minute.most += n;
    if (certain || n <= 0) minute.least += n;
    if (!certain) minute.isExact = false;
  }
}
