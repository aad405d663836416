// The pipeline's accounts: where every received event is, by shard and in all.
import { type Accounts, rejectedEvents } from './accounts.ts';
import { type Books, placesNow } from './books.ts';
import type { ShardKey } from './identifiers.ts';
import type { Head } from './segment.ts';
import type { SegmentEntry } from './segment-entry.ts';

/** Where the received events are. Each number is events, and `received` is the sum of the rest. */
export interface StatusAccounts {
  readonly received: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly rejectedByReason: Accounts['rejected'];
  readonly counted: number;
  readonly inFlight: number;
  readonly dead: number;
  readonly parked: number;
  readonly expired: number;
  readonly lost: number;
}

/** The accounts of one shard. */
export interface ShardStatus extends StatusAccounts {
  readonly shard: ShardKey;
  /** Its newest segment, and whether everything of it is sent. */
  readonly segment: number;
  readonly status: Head['status'];
}

const NONE: StatusAccounts = {
  received: 0,
  duplicate: 0,
  rejected: 0,
  rejectedByReason: {},
  counted: 0,
  inFlight: 0,
  dead: 0,
  parked: 0,
  expired: 0,
  lost: 0,
};

/** The accounts of one shard from its head, its books and the entries that the books leave open or have not reached. */
export function shardStatus(
  shard: ShardKey,
  head: Head,
  books: Books,
  unsettled: readonly SegmentEntry[],
): ShardStatus {
  const { received, duplicate, rejected } = head.totals;
  const places = placesNow(books, unsettled);
  return {
    shard,
    segment: head.segment,
    status: head.status,
    received,
    duplicate,
    rejected: rejectedEvents(head.totals),
    rejectedByReason: rejected,
    ...places,
  };
}

/** The sum of all shards. */
export function pipelineStatus(
  shards: readonly ShardStatus[],
): StatusAccounts & { shards: readonly ShardStatus[] } {
  return { ...shards.reduce(add, NONE), shards };
}

function add(a: StatusAccounts, b: StatusAccounts): StatusAccounts {
  const rejectedByReason: Record<string, number> = { ...a.rejectedByReason };
  for (const [reason, events] of Object.entries(b.rejectedByReason)) {
    rejectedByReason[reason] = (rejectedByReason[reason] ?? 0) + events;
  }
  return {
    received: a.received + b.received,
    duplicate: a.duplicate + b.duplicate,
    rejected: a.rejected + b.rejected,
    rejectedByReason,
    counted: a.counted + b.counted,
    inFlight: a.inFlight + b.inFlight,
    dead: a.dead + b.dead,
    parked: a.parked + b.parked,
    expired: a.expired + b.expired,
    lost: a.lost + b.lost,
  };
}

/** What `received` has more than the sum of its parts: 0, or the accounts are wrong. */
export function conservationDifference(status: StatusAccounts): number {
  const { received, duplicate, rejected, counted, inFlight, dead, parked, expired, lost } = status;
  return received - (duplicate + rejected + counted + inFlight + dead + parked + expired + lost);
}
