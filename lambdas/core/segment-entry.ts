// A segment's entry in the ledger after its plan: its accounts, its parts, and where each part is now.

import { type Accounts, lostAccounts } from './accounts.ts';
import type { HashRange } from './hash-range.ts';
import type { SequenceNumber } from './identifiers.ts';
import type { SegmentOutput } from './rollup.ts';
import { acceptedToOf, type Head, type RollupConfig } from './segment.ts';
import { DAY_MS } from './time.ts';

/** A required ledger item is missing: a segment, or ids that the dedup window needs. */
export class MissingLedgerItem extends Error {
  override readonly name = 'MissingLedgerItem';
}

/** Where a part's events are. Each part is in exactly one place, in whatever order reports came in. */
export type PartPlace = 'counted' | 'lost' | 'parked' | 'dead' | 'in-flight';

/** A part in the entry. */
export interface PartSummary {
  /** Events in its rows. */
  readonly events: number;
  /** The hash range that its delta is stored under. */
  readonly range: HashRange;
}

/** A segment's item in the ledger. Kept small, because acknowledgements update it. */
export interface SegmentEntry {
  readonly segment: number;
  readonly first: SequenceNumber;
  readonly last: SequenceNumber;
  readonly records: number;
  /** The configuration of the segment's rollup, so that the audit can repeat it. */
  readonly config: RollupConfig;
  readonly version: number;
  /** True when the stream trimmed the segment's records before all of its parts were known to be sent (`withoutLostParts`). */
  readonly lost: boolean;
  /** When it was marked so, epoch milliseconds; undefined if nothing of it was ever sent. */
  readonly lostAtMs?: number | undefined;
  readonly accounts: Accounts;
  readonly parts: readonly PartSummary[];
  /** Digest of the segment's output; empty if it was lost before its rollup. */
  readonly digest: string;
  /** Digest of the segment's raw records in the archive; undefined when they were not archived. */
  readonly raw?: string | undefined;
  /** Bytes of packed ids, stored in the entry or beside it. */
  readonly idBytes: number;
  /** Packed ids, if they are few. */
  readonly ids?: Uint8Array | undefined;
  /** Approximate bytes of its deltas. */
  readonly deltaBytes: number;
  readonly minArrivalMs: number;
  /** The running maximum of arrivals before this segment, 0 for a shard's first; epoch milliseconds. */
  readonly runMaxBeforeMs: number;
  /** The same, including this segment. */
  readonly runMaxMs: number;
  /** No event of the shard up to here happened after this; absent if the segment's own limit says so. Epoch milliseconds. */
  readonly acceptedToMs?: number;
  /** Parts whose deltas are stored. */
  readonly acked: ReadonlySet<number>;
  /** Parts last seen in the dead-letter queue. */
  readonly dead: ReadonlySet<number>;
  /** Parts last seen in the archive, waiting for a manual replay. */
  readonly parked: ReadonlySet<number>;
  /** Parts that a message carries which redrive or an operator sent back to the queue. */
  readonly returned: ReadonlySet<number>;
  /** Parts that an operator gave up, or the compactor when the segment was lost; a tombstone has their deltas' names. */
  readonly discarded: ReadonlySet<number>;
  /** Events of acknowledged parts that arrived after the minutes' retention, by part: the archive has their rows, too. */
  readonly expired: Readonly<Record<number, number>>;
  /** Counted parts whose deltas do not expire before the segment is settled; undefined: none. */
  readonly kept?: ReadonlySet<number> | undefined;
  /** When DynamoDB may delete the entry, epoch seconds; undefined: never. */
  readonly expiresAt?: number | undefined;
}

/** The fields of an entry that a dedup window needs. */
export type WindowEntry = Pick<SegmentEntry, 'segment' | 'runMaxMs' | 'runMaxBeforeMs' | 'idBytes' | 'ids'>;

/** Up to this size ids are in the entry: a separate item would cost a write unit. Acknowledgements rewrite the entry. */
const INLINE_IDS_BYTES_MAX = 128;

/**
 * The entry of a segment after its rollup.
 * @param deltaBytes compressed size of its deltas
 * @param raw digest of its raw records, if they are archived
 * @param inlineIdsBytesMax larger ids get an item of their own
 */
export function emittedEntry(
  head: Head,
  output: SegmentOutput,
  deltaBytes: number,
  raw?: string | undefined,
  inlineIdsBytesMax = INLINE_IDS_BYTES_MAX,
): SegmentEntry {
  return {
    ...frame(head),
    lost: false,
    accounts: output.accounts,
    parts: output.cut.map(({ events, range }) => ({ events, range })),
    digest: output.digest,
    ...(raw !== undefined && { raw }),
    idBytes: output.ids.byteLength,
    ...(output.ids.byteLength <= inlineIdsBytesMax && { ids: output.ids }),
    deltaBytes,
  };
}

/** The entry of a segment whose records were trimmed before any part of it was sent. */
export function lostEntry(head: Head): SegmentEntry {
  return {
    ...frame(head),
    lost: true,
    accounts: lostAccounts(head.events ?? head.records),
    parts: [],
    digest: '',
    idBytes: 0,
    deltaBytes: 0,
  };
}

function frame(head: Head) {
  const { segment, first, last, records, config, version, minArrivalMs, runMaxBeforeMs, runMaxMs } = head;
  const range = { segment, first, last, records, config, version };
  const acceptedToMs = acceptedToOf(head);
  return {
    ...range,
    ...{ minArrivalMs, runMaxBeforeMs, runMaxMs },
    ...(acceptedToMs > runMaxMs + config.acceptFutureMs && { acceptedToMs }),
    ...{ ...noParts(), expired: {} },
  };
}

/** The sets of an entry whose parts were seen nowhere yet. */
export function noParts() {
  const [acked, dead, parked] = [new Set<number>(), new Set<number>(), new Set<number>()];
  return { acked, dead, parked, returned: new Set<number>(), discarded: new Set<number>() };
}

/** Where a part is. An acknowledgement overrides everything: copies of a counted part may still exist anywhere. */
export function partPlace(entry: SegmentEntry, part: number): PartPlace {
  if (entry.acked.has(part)) return 'counted';
  if (entry.discarded.has(part)) return 'lost';
  if (entry.parked.has(part)) return 'parked';
  if (entry.dead.has(part)) return 'dead';
  return entry.lost ? 'lost' : 'in-flight';
}

/** Longer than a message takes, whatever is retried. */
const FORGOTTEN_AFTER_MS = DAY_MS;

/**
 * Whether a message had to carry a part for so long that a queue may have dropped it. Storing its delta would do no harm if not:
 * the message finds it. What else is missing of a lost segment, the compactor gives up (`withoutLostParts`).
 */
export function isForgotten(entry: SegmentEntry, part: number, nowMs: number): boolean {
  const { acked, discarded, parked, dead, returned, lost, runMaxMs } = entry;
  if ([acked, discarded, parked].some((parts) => parts.has(part))) return false;
  return (!lost || dead.has(part) || returned.has(part)) && nowMs - runMaxMs > FORGOTTEN_AFTER_MS;
}

/** Whether nothing more is expected of the segment: every part is counted or discarded. */
export function isGivenUp(entry: SegmentEntry): boolean {
  return entry.parts.every((_, part) => entry.acked.has(part) || entry.discarded.has(part));
}

/** What an acknowledgement changed. */
export interface NewlyCounted {
  /** Parts acknowledged for the first time. */
  readonly parts: number;
  /** Events of these parts, except those that arrived after the minutes' retention. */
  readonly events: number;
  /** When the oldest record of the segment arrived, epoch milliseconds. */
  readonly oldestArrivalMs: number;
}

/** What acknowledging some parts changed. @param before the entry before the acknowledgement */
export function newlyCounted(before: SegmentEntry, acknowledged: readonly number[]): NewlyCounted {
  const parts = acknowledged.filter((part) => !before.acked.has(part));
  const events = parts.reduce(
    (sum, part) => sum + (before.parts[part]?.events ?? 0) - (before.expired[part] ?? 0),
    0,
  );
  return { parts: parts.length, events, oldestArrivalMs: before.minArrivalMs };
}

/** Where a segment's emitted events are. */
export interface EmittedPlaces {
  readonly counted: number;
  readonly expired: number;
  readonly inFlight: number;
  readonly dead: number;
  readonly parked: number;
  readonly lost: number;
}

export const NOWHERE: EmittedPlaces = { counted: 0, expired: 0, inFlight: 0, dead: 0, parked: 0, lost: 0 };

/** A segment's emitted events by place; the places add up to `accounts.emitted` and `accounts.lost`. */
export function emittedPlaces(entry: SegmentEntry): EmittedPlaces {
  const places = { ...NOWHERE, lost: entry.accounts.lost };
  for (const [part, { events }] of entry.parts.entries()) {
    const place = partPlace(entry, part);
    if (place === 'counted') {
      const expired = entry.expired[part] ?? 0;
      places.counted += events - expired;
      places.expired += expired;
    } else if (place === 'in-flight') places.inFlight += events;
    else places[place] += events;
  }
  return places;
}

/** Adds places, column by column. */
export function addPlaces(a: EmittedPlaces, b: EmittedPlaces): EmittedPlaces {
  return {
    counted: a.counted + b.counted,
    expired: a.expired + b.expired,
    inFlight: a.inFlight + b.inFlight,
    dead: a.dead + b.dead,
    parked: a.parked + b.parked,
    lost: a.lost + b.lost,
  };
}
