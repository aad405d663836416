// The pipeline's accounts: where every received event is, by shard, by hour of arrival, and in total.
import { type Accounts, addRejected, rejectedEvents } from './accounts.ts';
import { type Checkpoint, placesNow } from './checkpoint.ts';
import {
  addHours,
  type HourAccounts,
  hourDifference,
  hoursAfter,
  hoursWith,
  type RecentHours,
} from './hour-accounts.ts';
import type { ShardKey } from './identifiers.ts';
import type { Head } from './segment.ts';
import { addPlaces, type EmittedPlaces, emittedPlaces, type SegmentEntry } from './segment-entry.ts';
import { HOUR_MS } from './time.ts';

/** Where the received events are, in events; `received` is the sum of the rest. */
export interface StatusAccounts extends EmittedPlaces {
  readonly received: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly rejectedByReason: Accounts['rejected'];
}

/** The accounts of one hour of arrival, in events. */
export interface HourStatus extends Omit<StatusAccounts, 'rejectedByReason'> {
  /** `2026-11-22T05`. */
  readonly hour: string;
  /** How far the hour's accounts are off, see `hourDifference`; 0 if they are right. */
  readonly difference: number;
}

/** The accounts of one shard. */
export interface ShardStatus extends StatusAccounts {
  readonly shard: ShardKey;
  /** Its newest segment, and whether all of it is sent. */
  readonly segment: number;
  readonly status: Head['status'];
  /** Its last hours, ascending; hours without segments are omitted. */
  readonly hours: readonly HourStatus[];
}

/** The accounts of all shards. */
export interface PipelineStatus extends StatusAccounts {
  /** Totals over the shards' hours. */
  readonly hours: readonly HourStatus[];
  /** The first hour that is complete on every shard; null if no hours were dropped. */
  readonly hoursSince: string | null;
  /** When the oldest event in flight arrived; null when there is none. */
  readonly inFlightSince: string | null;
  readonly shards: readonly ShardStatus[];
}

/** What the stream holds of one shard, or of all, that no segment has counted as received yet. */
export interface Unread {
  readonly events: number;
  /** When the oldest of them arrived, epoch milliseconds; undefined when there is none, or it is unknown. */
  readonly sinceMs: number | undefined;
  /** False if more are unread than one read of the stream returns. */
  readonly isAll: boolean;
}

/** The accounts from the front door on: `accepted` is the sum of `unread` and `received`. */
export interface AcceptedStatus extends PipelineStatus {
  /** Null, like `unread`, when the stream could not be read. */
  readonly accepted: number | null;
  readonly unread: number | null;
  /** When the oldest unread event arrived; null when there is none. */
  readonly unreadSince: string | null;
  /** True when `accepted` and `unread` are lower bounds: more is unread than one read of the stream returns. */
  readonly unreadMore: boolean;
}

/** In the order of the columns in the answer. */
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

/** The accounts of one shard, in total and by hour. */
export interface ShardAccounts {
  readonly shard: ShardKey;
  readonly head: Head;
  readonly accounts: StatusAccounts;
  readonly hours: RecentHours;
  /** When the oldest event in flight arrived, epoch milliseconds. */
  readonly inFlightSinceMs: number | undefined;
}

/** The accounts of one shard from its head, its checkpoint, and the entries that are open or beyond the checkpoint. */
export function shardAccounts(
  shard: ShardKey,
  head: Head,
  checkpoint: Checkpoint,
  unsettled: readonly SegmentEntry[],
): ShardAccounts {
  const { received, duplicate, rejected } = head.totals;
  const accounts = {
    received,
    duplicate,
    rejected: rejectedEvents(head.totals),
    rejectedByReason: rejected,
    ...placesNow(checkpoint, unsettled),
  };
  const waiting = unsettled.filter((entry) => emittedPlaces(entry).inFlight > 0);
  const inFlightSinceMs = earliest(waiting.map(({ minArrivalMs }) => minArrivalMs));
  const hours = hoursWith(checkpoint.hours ?? hoursAfter(head.runMaxMs), unsettled);
  return { shard, head, accounts, hours, inFlightSinceMs };
}

/** Adds what the front door accepted to a status. @param unread by shard; undefined: the stream could not be read */
export function withUnread(status: PipelineStatus, unread: readonly Unread[] | undefined): AcceptedStatus {
  if (unread === undefined)
    return { accepted: null, unread: null, unreadSince: null, unreadMore: false, ...status };
  const events = unread.reduce((sum, each) => sum + each.events, 0);
  const sinceMs = earliest(unread.map((each) => each.sinceMs));
  return {
    accepted: events + status.received,
    unread: events,
    unreadSince: sinceMs === undefined ? null : new Date(sinceMs).toISOString(),
    unreadMore: unread.some(({ isAll }) => !isAll),
    ...status,
  };
}

function earliest(instantsMs: readonly (number | undefined)[]): number | undefined {
  const known = instantsMs.filter((instantMs) => instantMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** The shards and their totals. Hours that a shard has already dropped are omitted from the totals. */
export function pipelineStatus(shards: readonly ShardAccounts[]): PipelineStatus {
  const sinceMs = Math.max(0, ...shards.map(({ hours }) => hours.sinceMs));
  const all = new Map<number, HourAccounts>();
  const each = shards.map(({ shard, head, accounts, hours }) => {
    const shown = hours.accounts.filter(({ hourMs }) => hourMs >= sinceMs);
    for (const hour of shown) {
      const others = all.get(hour.hourMs);
      all.set(hour.hourMs, others === undefined ? hour : addHours(others, hour));
    }
    const { segment, status } = head;
    return { shard, segment, status, ...accounts, hours: shown.map(hourStatus) };
  });
  const hours = [...all.values()].sort((a, b) => a.hourMs - b.hourMs).map(hourStatus);
  const total = shards.map(({ accounts }) => accounts).reduce(add, NONE);
  const inFlightSinceMs = earliest(shards.map((shard) => shard.inFlightSinceMs));
  return {
    ...total,
    hours,
    hoursSince: sinceMs > 0 ? hourName(sinceMs) : null,
    inFlightSince: inFlightSinceMs === undefined ? null : new Date(inFlightSinceMs).toISOString(),
    shards: each,
  };
}

function hourStatus(accounts: HourAccounts): HourStatus {
  const { hourMs, received, duplicate, rejected, counted, inFlight, dead, parked, expired, lost } = accounts;
  const columns = { received, duplicate, rejected, counted, inFlight, dead, parked, expired, lost };
  return { hour: hourName(hourMs), ...columns, difference: hourDifference(accounts) };
}

function hourName(hourMs: number): string {
  return new Date(hourMs).toISOString().slice(0, 13);
}

/** Maximum shards that clients are told of in detail: an answer has at most 6 MB, and clients poll the status often. */
export const SHARDS_MAX = 64;

/**
 * The status with its last `hours` hours only, ending with the one that contains `nowMs`. If more than `SHARDS_MAX` shards have
 * some of these, each has only those that are off.
 */
export function withLastHours<S extends PipelineStatus>(status: S, hours: number, nowMs: number): S {
  const first = hourName(Math.max(0, Math.floor(nowMs / HOUR_MS) - hours + 1) * HOUR_MS);
  const last = ({ hour }: HourStatus) => hours > 0 && hour >= first;
  const shards = status.shards.map((shard) => ({ ...shard, hours: shard.hours.filter(last) }));
  const isShort = shards.filter((shard) => shard.hours.length > 0).length <= SHARDS_MAX;
  const off = ({ difference }: HourStatus) => difference !== 0;
  return {
    ...status,
    hours: status.hours.filter(last),
    shards: isShort ? shards : shards.map((shard) => ({ ...shard, hours: shard.hours.filter(off) })),
  };
}

function add(a: StatusAccounts, b: StatusAccounts): StatusAccounts {
  return {
    ...a,
    received: a.received + b.received,
    duplicate: a.duplicate + b.duplicate,
    rejected: a.rejected + b.rejected,
    rejectedByReason: addRejected(a.rejectedByReason, b.rejectedByReason),
    ...addPlaces(a, b),
  };
}

/** The difference between `received` and the sum of its parts: 0 unless the accounts are wrong. */
export function conservationDifference(status: StatusAccounts): number {
  const { received, duplicate, rejected, counted, inFlight, dead, parked, expired, lost } = status;
  return received - (duplicate + rejected + counted + inFlight + dead + parked + expired + lost);
}

/** The largest absolute difference of any hour of any shard: 0 unless an hour's accounts are wrong. */
export function hourConservationDifference({ shards }: PipelineStatus): number {
  const differences = shards.flatMap(({ hours }) => hours.map(({ difference }) => Math.abs(difference)));
  return differences.reduce((largest, difference) => Math.max(largest, difference), 0);
}
