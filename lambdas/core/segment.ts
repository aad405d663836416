// A shard's segments in the ledger, and the decisions about them: what to plan, and which records a plan covers.

import { type Accounts, noAccounts } from './accounts.ts';
import { type Acceptance, acceptedFromMs, keepingBoundaries, type Reached } from './boundaries.ts';
import type { CutConfig } from './delta.ts';
import type { CountableEvent, DecodedEvent, DecodedRecord } from './event.ts';
import { compareSequenceNumbers, type SequenceNumber, type ShardKey } from './identifiers.ts';

/** The version of the rollup function. Plans carry it: code that does not know a planned version fails instead of guessing. */
export const ROLLUP_VERSION = 2;

/** Maximum number of events in a segment, so that its ids fit into one item: 40,000 × 8 bytes. */
export const SEGMENT_EVENTS_MAX = 40_000;

/** What determines a segment's output besides its records. Frozen in the plan, so that a recovery after a deployment agrees. */
export interface RollupConfig extends CutConfig, Acceptance {
  readonly dedupWindowMs: number;
  /** How far in the future of its arrival an event may be, since clocks differ. */
  readonly acceptFutureMs: number;
}

/** A decoded record of the stream. */
export interface StreamRecord extends DecodedRecord {
  readonly sequenceNumber: SequenceNumber;
  /** When the stream accepted it, epoch milliseconds. */
  readonly arrivalMs: number;
  /** The record's bytes, kept for the archive of rejected events. */
  readonly data: Uint8Array;
}

/** A shard's ancestor when the shard's first segment was planned: closed, and read to its end. */
export interface Ancestor {
  readonly shard: ShardKey;
  /** Its last segment. */
  readonly segment: number;
  /** The running maximum of arrivals up to that segment, epoch milliseconds. */
  readonly runMaxMs: number;
  /** The time before which it accepted nothing; absent in older plans. Epoch milliseconds. */
  readonly acceptedFromMs?: number;
}

/** The newest segment of a shard, and its state. */
export interface Head {
  readonly segment: number;
  readonly first: SequenceNumber;
  readonly last: SequenceNumber;
  /** Number of records in `first..last`. */
  readonly records: number;
  /** Number of events in them; undefined in older plans. */
  readonly events?: number;
  readonly config: RollupConfig;
  readonly version: number;
  /** `ended`: sent, and a later generation continues the shard. */
  readonly status: 'planned' | 'sent' | 'ended';
  readonly ancestors: readonly Ancestor[];
  /** The earliest arrival in the segment: its dedup window reaches back from here. Epoch milliseconds. */
  readonly minArrivalMs: number;
  /** The running maximum of arrivals before this segment, its ancestors' included; 0 when there is none. Epoch milliseconds. */
  readonly runMaxBeforeMs: number;
  /** The same, including this segment. */
  readonly runMaxMs: number;
  /** No event of the shard so far happened after this; absent in older plans. Epoch milliseconds. */
  readonly acceptedToMs?: number;
  /** The accounts of all segments before this one; once sent, of this one too. */
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

/** The leading records that one segment may take: at least one record, at most `SEGMENT_EVENTS_MAX` events. */
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
 * @param published for a shard's first segment: the boundary that readers rely on; a shard of another stream has no ancestors
 */
export function planSegment(
  head: Head | undefined,
  records: readonly StreamRecord[],
  config: RollupConfig,
  ancestors: readonly Ancestor[],
  published?: Reached,
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
  // A shard's first segment comes after all its ancestors, even if clocks step back in between: deltas are found by it.
  const runMaxBeforeMs = head?.runMaxMs ?? Math.max(0, ...ancestors.map(({ runMaxMs }) => runMaxMs));
  return {
    segment: (head?.segment ?? 0) + 1,
    first: first.sequenceNumber,
    last: last.sequenceNumber,
    records: records.length,
    events: records.reduce((sum, { events }) => sum + events.length, 0),
    config: keepingBoundaries(config, boundariesOf(head, ancestors, published)),
    version: ROLLUP_VERSION,
    status: 'planned',
    ancestors: head?.ancestors ?? ancestors,
    minArrivalMs,
    runMaxBeforeMs,
    runMaxMs: Math.max(runMaxBeforeMs, maxArrivalMs),
    acceptedToMs: Math.max(acceptedToOf(head), maxArrivalMs + config.acceptFutureMs),
    totals: head?.totals ?? noAccounts(),
  };
}

/** No event of a shard up to a segment happened after this, whatever the setting is now; epoch milliseconds, 0: none did. */
export function acceptedToOf(head: Pick<Head, 'acceptedToMs' | 'runMaxMs' | 'config'> | undefined): number {
  if (head === undefined || head.runMaxMs === 0) return 0;
  return head.acceptedToMs ?? head.runMaxMs + head.config.acceptFutureMs;
}

/** The acceptance boundaries before a segment: those of the previous segment, or of the shard's ancestors. */
function boundariesOf(
  head: Head | undefined,
  ancestors: readonly Ancestor[],
  published: Reached | undefined,
): readonly Reached[] {
  if (head === undefined) {
    const own = ancestors.map((one) => ({
      acceptedFromMs: one.acceptedFromMs ?? 0,
      reachedMs: one.runMaxMs,
    }));
    return published === undefined ? own : [...own, published];
  }
  return [{ acceptedFromMs: acceptedFromMs(head.config, head.runMaxMs), reachedMs: head.runMaxMs }];
}

/**
 * Whether the ledger's head is this very plan: written by this caller, whose answer was lost. A plan of the same range
 * with another configuration is someone else's.
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

/** The planned records, if `records` has all of them; otherwise undefined. */
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

/** Narrows a decoded event to a rejected one. */
export function isRejected(event: DecodedEvent): event is Exclude<DecodedEvent, CountableEvent> {
  return 'rejected' in event;
}
