// A shard's segments as the ledger knows them, and the decisions about them: what to plan, what covers a plan.

import { type Accounts, noAccounts } from './accounts.ts';
import { type Acceptance, acceptedFromMs, keepingBoundaries } from './boundaries.ts';
import type { CutConfig } from './delta.ts';
import type { CountableEvent, DecodedEvent, DecodedRecord } from './event.ts';
import { compareSequenceNumbers, type SequenceNumber, type ShardKey } from './identifiers.ts';

/** The version of the rollup function. A plan carries it: code that does not know a planned version refuses to guess. */
export const ROLLUP_VERSION = 2;

/** Most events in a segment, so that its ids fit the ledger: 40,000 × 8 bytes is one item. */
export const SEGMENT_EVENTS_MAX = 40_000;

/** What decides a segment's output besides its records. Frozen in the plan, so that a recovery after a deployment agrees. */
export interface RollupConfig extends CutConfig, Acceptance {
  readonly dedupWindowMs: number;
  /** How long after its arrival an event may claim to happen (clocks differ). */
  readonly acceptFutureMs: number;
}

/** A record of the stream, decoded. */
export interface StreamRecord extends DecodedRecord {
  readonly sequenceNumber: SequenceNumber;
  /** When the stream took it, epoch milliseconds. */
  readonly arrivalMs: number;
  /** The record's bytes, kept for the archive of rejected events. */
  readonly data: Uint8Array;
}

/** A shard's ancestor, as it was when the shard's first segment was planned: closed, read to its end. */
export interface Ancestor {
  readonly shard: ShardKey;
  /** Its last segment. */
  readonly segment: number;
  /** The running maximum of arrivals up to that segment, epoch milliseconds. */
  readonly runMaxMs: number;
  /** The time before which it accepted nothing any more; left out by code from before. Epoch milliseconds. */
  readonly acceptedFromMs?: number;
}

/** The newest segment of a shard, and how far it got. */
export interface Head {
  readonly segment: number;
  readonly first: SequenceNumber;
  readonly last: SequenceNumber;
  /** How many records the stream holds in `first..last`. */
  readonly records: number;
  /** How many events are in them; undefined in plans from before it was noted. */
  readonly events?: number;
  readonly config: RollupConfig;
  readonly version: number;
  /** `ended`: sent, and a later generation goes on with the shard. */
  readonly status: 'planned' | 'sent' | 'ended';
  readonly ancestors: readonly Ancestor[];
  /** The least arrival in the segment: its dedup window reaches back from here. Epoch milliseconds. */
  readonly minArrivalMs: number;
  /** The running maximum of arrivals before this segment, its ancestors' included; 0 when there is none. Epoch milliseconds. */
  readonly runMaxBeforeMs: number;
  /** The same, this segment included. */
  readonly runMaxMs: number;
  /** The accounts of all segments before this one; of this one too once it is sent. */
  readonly totals: Accounts;
}

/** The records of a batch that no segment has yet. `last` is the last sequence number of the shard's newest segment. */
export function recordsAfter(
  records: readonly StreamRecord[],
  last: SequenceNumber | undefined,
): readonly StreamRecord[] {
  if (last === undefined) return records;
  const first = records.findIndex((record) => compareSequenceNumbers(record.sequenceNumber, last) > 0);
  return first === -1 ? [] : records.slice(first);
}

/** As many of the leading records as one segment may take: at least one, at most `SEGMENT_EVENTS_MAX` events. */
export function leadingSegment(records: readonly StreamRecord[]): readonly StreamRecord[] {
  let events = 0;
  const end = records.findIndex((record, index) => {
    events += record.events.length;
    return index > 0 && events > SEGMENT_EVENTS_MAX;
  });
  return end === -1 ? records : records.slice(0, end);
}

/**
 * The plan for a shard's next segment.
 * @param head the shard's newest segment, which must be sent; undefined for a shard's first
 * @param records the segment's records, at least one
 * @param ancestors for a shard's first segment: all its ancestors
 */
export function planSegment(
  head: Head | undefined,
  records: readonly StreamRecord[],
  config: RollupConfig,
  ancestors: readonly Ancestor[],
): Head {
  const first = records[0];
  const last = records.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('a segment has at least one record');
  let minArrivalMs = first.arrivalMs;
  let maxArrivalMs = first.arrivalMs;
  for (const { arrivalMs } of records) {
    if (arrivalMs < minArrivalMs) minArrivalMs = arrivalMs;
    if (arrivalMs > maxArrivalMs) maxArrivalMs = arrivalMs;
  }
  // A shard's first segment comes after all of its ancestors', however far clocks step back in between: deltas are found by it.
  const runMaxBeforeMs = head?.runMaxMs ?? Math.max(0, ...ancestors.map(({ runMaxMs }) => runMaxMs));
  return {
    segment: (head?.segment ?? 0) + 1,
    first: first.sequenceNumber,
    last: last.sequenceNumber,
    records: records.length,
    events: records.reduce((sum, { events }) => sum + events.length, 0),
    config: keepingBoundaries(config, boundariesOf(head, ancestors)),
    version: ROLLUP_VERSION,
    status: 'planned',
    ancestors: head?.ancestors ?? ancestors,
    minArrivalMs,
    runMaxBeforeMs,
    runMaxMs: Math.max(runMaxBeforeMs, maxArrivalMs),
    totals: head?.totals ?? noAccounts(),
  };
}

/** The boundaries of acceptance that were in force before a segment: those of the one before it, or of the shard's ancestors. */
function boundariesOf(head: Head | undefined, ancestors: readonly Ancestor[]) {
  if (head === undefined)
    return ancestors.map((one) => ({ acceptedFromMs: one.acceptedFromMs ?? 0, reachedMs: one.runMaxMs }));
  return [{ acceptedFromMs: acceptedFromMs(head.config, head.runMaxMs), reachedMs: head.runMaxMs }];
}

/**
 * Whether the ledger's head is this very plan: written by me, and its answer lost on the way. A plan of the same range
 * made under another configuration is not mine.
 */
export function isSamePlan(head: Head, plan: Head): boolean {
  return (
    head.status === 'planned' &&
    head.segment === plan.segment &&
    head.first === plan.first &&
    head.last === plan.last &&
    head.records === plan.records &&
    head.version === plan.version &&
    isSameConfig(head.config, plan.config)
  );
}

function isSameConfig(a: RollupConfig, b: RollupConfig): boolean {
  return (
    a.slotBits === b.slotBits &&
    a.dedupWindowMs === b.dedupWindowMs &&
    a.acceptPastMs === b.acceptPastMs &&
    a.acceptFromMs === b.acceptFromMs &&
    a.acceptFutureMs === b.acceptFutureMs
  );
}

/** The planned records, if these hold all of them; undefined otherwise. */
export function plannedRecords(
  plan: Pick<Head, 'first' | 'last' | 'records'>,
  records: readonly StreamRecord[],
): readonly StreamRecord[] | undefined {
  const inside = records.filter(
    ({ sequenceNumber }) =>
      compareSequenceNumbers(sequenceNumber, plan.first) >= 0 &&
      compareSequenceNumbers(sequenceNumber, plan.last) <= 0,
  );
  const whole =
    inside.length === plan.records &&
    inside[0]?.sequenceNumber === plan.first &&
    inside.at(-1)?.sequenceNumber === plan.last;
  return whole ? inside : undefined;
}

/** Narrows a decoded event to one that was rejected. */
export function isRejected(event: DecodedEvent): event is Exclude<DecodedEvent, CountableEvent> {
  return 'rejected' in event;
}
